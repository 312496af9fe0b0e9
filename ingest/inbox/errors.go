// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// ErrUnavailable means that Redis could not be reached, did not reply, or sent an error or an unexpected reply. Errors
// wrap it. Redis may have made the change. If Redis is out of memory, the error is a FullError instead.
var ErrUnavailable = errors.New("inbox unavailable")

// ErrLeaseLost means that the caller no longer has the lease: the caller has already finished the event or ended the
// lease, or another worker has claimed the lane after the lease ended. The call changed nothing.
var ErrLeaseLost = errors.New("lease lost")

// FullError means that a shard cannot store more data at present. The shard stored no event of the request.
type FullError struct {
	// Limit names the limit that the inbox reached: LimitQueue or LimitRedisMemory.
	Limit string
}

// The limits that the inbox can reach.
const (
	// LimitQueue is the maximum number of unfinished events, Limits.MaxInFlight.
	LimitQueue = "queue"
	// LimitRedisMemory is Redis's maxmemory.
	LimitRedisMemory = "memory"
)

// Error returns a message that names the limit in plain words.
func (e *FullError) Error() string {
	if e.Limit == LimitRedisMemory {
		return "inbox full: Redis is out of memory"
	}
	return "inbox full: the maximum number of unfinished events is reached"
}

// failure returns the error for a failed call to Redis: a FullError if Redis is out of memory, otherwise an error that
// wraps ErrUnavailable.
func failure(call string, err error) error {
	if reply, ok := rueidis.IsRedisErr(err); ok && strings.Contains(reply.Error(), "OOM command not allowed") {
		return &FullError{Limit: LimitRedisMemory}
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, call, err)
}
