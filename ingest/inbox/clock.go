// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"sync/atomic"
	"time"
)

// clock chooses the time that scripts use. It is Redis's own clock, so that all processes agree on when a lease ends, unless a test
// has replaced it.
type clock struct {
	replacement func() time.Time
	lastSeen    atomic.Int64 // the last time that accept.lua returned, in ms since 1970
}

// argument returns the scripts' argument for the current time. An empty argument makes them read Redis's clock.
func (c *clock) argument() string {
	if c.replacement == nil {
		return ""
	}
	return strconv.FormatInt(c.replacement().UnixMilli(), 10)
}
