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
	lastSeen    atomic.Int64 // the time in accept.lua's latest reply, in ms since 1970
}

// argument returns the scripts' argument for the current time. An empty argument makes them read Redis's clock.
func (c *clock) argument() string {
	if c.replacement == nil {
		return ""
	}
	return strconv.FormatInt(c.replacement().UnixMilli(), 10)
}
