// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// ErrUnavailable is wrapped by every error which means that Redis could not be reached, did not reply, or replied with an error.
// The change may have been made.
var ErrUnavailable = errors.New("inbox unavailable")

// ErrLeaseLost means that the caller no longer has the lease: it has finished the event before, or its lease ended and another
// worker has claimed the lane. Nothing was changed.
var ErrLeaseLost = errors.New("lease lost")

// FullError means that the inbox cannot store events at present. Nothing was changed.
type FullError struct {
	// Limit is LimitQueue or LimitRedisMemory.
	Limit string
}

// The limits that the inbox can reach.
const (
	// LimitQueue is the maximum number of unfinished events, Limits.MaxInFlight.
	LimitQueue = "queue"
	// LimitRedisMemory is Redis's maxmemory.
	LimitRedisMemory = "memory"
)

func (e *FullError) Error() string {
	if e.Limit == LimitRedisMemory {
		return "inbox full: Redis is out of memory"
	}
	return "inbox full: the maximum number of unfinished events is reached"
}

// failure returns the error for a call to Redis that failed.
func failure(call string, err error) error {
	if reply, ok := rueidis.IsRedisErr(err); ok && strings.Contains(reply.Error(), "OOM command not allowed") {
		return &FullError{Limit: LimitRedisMemory}
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, call, err)
}
