// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// ErrUnavailable is in every error that means Redis could not be asked or did not answer: the change may have happened.
var ErrUnavailable = errors.New("inbox unavailable")

// ErrLost says that the lane is no longer held under this claim: its event was finished, or its lease ran out and another has it.
var ErrLost = errors.New("claim lost")

// FullError says that the inbox cannot take events now, and what is used up.
type FullError struct {
	// Limit is LimitQueue or LimitRedisMemory.
	Limit string
}

// What can be used up.
const (
	LimitQueue  = "queue"
	LimitRedisMemory = "memory"
)

func (e *FullError) Error() string { return "inbox full: " + e.Limit + " limit reached" }

// failure says what went wrong in a call to Redis.
func failure(call string, err error) error {
	if refusal, ok := rueidis.IsRedisErr(err); ok && strings.Contains(refusal.Error(), "OOM command not allowed") {
		return &FullError{Limit: LimitRedisMemory}
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, call, err)
}
