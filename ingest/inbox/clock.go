// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"sync/atomic"
	"time"
)

// clock chooses the clock that scripts use. Scripts use the clock of Redis, so that all processes agree on when a lease
// ends. A test can replace that clock.
type clock struct {
	replacement func() time.Time
	process     func() time.Time // the process's monotonic clock
	lastSeen    atomic.Int64     // the time in accept.lua's latest reply, in ms since 1970
}

func newClock(replacement func() time.Time) clock {
	if replacement != nil {
		return clock{replacement: replacement, process: replacement}
	}
	return clock{process: time.Now} //nolint:forbidigo // the process's monotonic clock
}

// argument returns the scripts' argument for the current time. An empty argument makes them read Redis's clock.
func (c *clock) argument() string {
	if c.replacement == nil {
		return ""
	}
	return strconv.FormatInt(c.replacement().UnixMilli(), 10)
}

// shardTime is a shard's time in the reply to a call, and the time by the process's clock before that call.
type shardTime struct {
	ms int64
	at time.Time
}

// expected returns the shard's time, in ms since 1970, that the process expects now. It is "" before the first reply.
// The result can be later than the shard's time, by the duration of the call, but not earlier unless Redis's clock has
// jumped forward.
func (t shardTime) expected(now time.Time) string {
	if t.ms == 0 {
		return ""
	}
	return strconv.FormatInt(t.ms+max(now.Sub(t.at), 0).Milliseconds(), 10)
}
