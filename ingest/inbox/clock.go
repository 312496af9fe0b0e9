// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"sync/atomic"
	"time"
)

// clock is Redis's, unless a test has given one.
type clock struct {
	given func() time.Time
	seen  atomic.Int64 // the last time that a script answered with, ms
}

// argument is what scripts take as now: empty lets them ask Redis.
func (c *clock) argument() string {
	if c.given == nil {
		return ""
	}
	return strconv.FormatInt(c.given().UnixMilli(), 10)
}
