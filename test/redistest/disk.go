// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// LimitFileSize makes the server's disk appear full as soon as its append-only file has grown by more bytes, until the
// server is started again. The test process must ignore the signal SIGXFSZ.
func (s *Server) LimitFileSize(tb testing.TB, more uint64) {
	tb.Helper()
	var largest uint64
	for i, argument := range s.args {
		if argument != "--dir" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(s.args[i+1], "appendonlydir", "*.incr.aof"))
		if err != nil {
			tb.Fatalf("redistest: %v", err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil {
				largest = max(largest, uint64(info.Size()))
			}
		}
	}
	limit := unix.Rlimit{Cur: largest + more, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.command.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		tb.Fatalf("redistest: %v", err)
	}
}
