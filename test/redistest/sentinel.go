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

// MasterName is the name under which the sentinel of StartSentinel monitors its master.
const MasterName = "main"

// StartSentinel starts a sentinel that monitors master, whose password is given; it can be "". When master has not replied for half a second, the
// sentinel promotes a replica. The sentinel itself accepts connections without a password.
func StartSentinel(tb testing.TB, master *Server, password string) *Server {
	tb.Helper()
	addr, directory := loopback.FreeAddress(tb), tb.TempDir()
	host, port, _ := net.SplitHostPort(addr)
	masterHost, masterPort, _ := net.SplitHostPort(master.Addr)
	file := filepath.Join(directory, "sentinel.conf") // the sentinel also writes its state to this file
	text := fmt.Sprintf("bind %s\nport %s\ndir %s\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %[4]s 500\nsentinel failover-timeout %[4]s 2000\n",
		host, port, directory, MasterName, masterHost, masterPort)
	if password != "" {
		text += fmt.Sprintf("sentinel auth-pass %s %s\n", MasterName, password)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	return start(tb, master.program, addr, []string{file, "--sentinel"})
}

// AwaitCopy waits until a replica has received all data of this server. Both have the given password.
func (s *Server) AwaitCopy(tb testing.TB, replica *Server, password string) {
	tb.Helper()
	master, copied := s.singleClient(tb, password), replica.singleClient(tb, password)
	offset := func(ctx context.Context, client rueidis.Client, field string) (string, error) {
		info, err := client.Do(ctx, client.B().Info().Section("replication").Build()).ToString()
		_, rest, _ := strings.Cut(info, field+":")
		number, _, _ := strings.Cut(rest, "\r\n")
		return number, err
	}
	err := wait.PollUntilContextTimeout(tb.Context(), interval, patience, true, func(ctx context.Context) (bool, error) {
		received, err := offset(ctx, copied, "slave_repl_offset")
		if err != nil {
			return false, err
		}
		sent, err := offset(ctx, master, "master_repl_offset")
		return sent == received, err
	})
	if err != nil {
		tb.Fatalf("redistest: the replica has not received all data: %v", err)
	}
}
