// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"sync/atomic"
	"time"
)

// clock guesses Redis's: keys are named before a script can ask for the time. A wrong guess costs a second call.
type clock struct {
	given  func() time.Time
	offset atomic.Int64 // ms by which Redis's clock is ahead of this process's
}

// argument is what scripts take as now: empty lets them ask Redis.
func (c *clock) argument() string {
	if c.given == nil {
		return ""
	}
	return strconv.FormatInt(c.given().UnixMilli(), 10)
}

// guess is Redis's time in milliseconds.
func (c *clock) guess() int64 {
	if c.given != nil {
		return c.given().UnixMilli()
	}
	return time.Now().UnixMilli() + c.offset.Load() //nolint:forbidigo // compared with Redis's own
}

// learn takes a time that a script answered with.
func (c *clock) learn(now int64) {
	if c.given == nil {
		c.offset.Store(now - time.Now().UnixMilli()) //nolint:forbidigo // compared with Redis's own
	}
}
