// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/doorbell-dev/doorbell/test/loopback"
)

// MasterName is the name by which a sentinel of StartSentinel knows the master.
const MasterName = "main"

// StartSentinel runs a sentinel that makes a replica of master, which has this password, the master soon after that has died. It takes
// connections without a password.
func StartSentinel(tb testing.TB, master *Server, password string) *Server {
	tb.Helper()
	addr, folder := loopback.FreeAddress(tb), tb.TempDir()
	host, port, _ := net.SplitHostPort(addr)
	masterHost, masterPort, _ := net.SplitHostPort(master.Addr)
	file := filepath.Join(folder, "sentinel.conf") // a sentinel keeps its state there
	text := fmt.Sprintf("bind %s\nport %s\ndir %s\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %[4]s 500\nsentinel auth-pass %[4]s %[7]s\n",
		host, port, folder, MasterName, masterHost, masterPort, password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	return start(tb, addr, []string{file, "--sentinel"})
}

// AwaitCopy waits until a replica, with the same password, has all that this server has.
func (s *Server) AwaitCopy(tb testing.TB, replica *Server, password string) {
	tb.Helper()
	master, copied := s.single(tb, password), replica.single(tb, password)
	offset := func(ctx context.Context, client rueidis.Client, field string) (string, error) {
		info, err := client.Do(ctx, client.B().Info().Section("replication").Build()).ToString()
		_, rest, _ := strings.Cut(info, field+":")
		number, _, _ := strings.Cut(rest, "\r\n")
		return number, err
	}
	err := wait.PollUntilContextTimeout(tb.Context(), interval, patience, true, func(ctx context.Context) (bool, error) {
		there, err := offset(ctx, copied, "slave_repl_offset")
		if err != nil {
			return false, err
		}
		here, err := offset(ctx, master, "master_repl_offset")
		return here == there, err
	})
	if err != nil {
		tb.Fatalf("redistest: the replica stays behind: %v", err)
	}
}
