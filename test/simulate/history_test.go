// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// history is the readable record of a schedule.
type history struct {
	start time.Time
	mu    sync.Mutex
	lines []string
}

func (h *history) add(format string, args ...any) {
	line := fmt.Sprintf("%12.6f  ", time.Since(h.start).Seconds()) + fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}
