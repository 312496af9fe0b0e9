// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/doorbell-dev/doorbell/test/loopback"
)

// defaultProgram returns the server to run: redis-server, unless the environment variable REDIS_SERVER names another, such
// as valkey-server.
func defaultProgram() string {
	if name := os.Getenv("REDIS_SERVER"); name != "" {
		return name
	}
	return "redis-server"
}

// versionOf finds the version in the output of a server's --version.
var versionOf = regexp.MustCompile(`^(Redis|Valkey) server v=(\d+)\.(\d+)`)

// programWithWaitAOF returns the first of the default program and valkey-server that knows WAITAOF. It fails the test if
// neither does.
func programWithWaitAOF(tb testing.TB) string {
	tb.Helper()
	for _, program := range []string{defaultProgram(), "valkey-server"} {
		output, err := exec.CommandContext(tb.Context(), program, "--version").Output() //nolint:gosec // the test chooses the program
		found := versionOf.FindStringSubmatch(string(output))
		if err != nil || found == nil {
			continue
		}
		major, _ := strconv.Atoi(found[2])
		minor, _ := strconv.Atoi(found[3])
		if found[1] == "Valkey" || major > 7 || major == 7 && minor >= 2 {
			return program
		}
	}
	tb.Fatal("redistest: no server that knows WAITAOF is installed: run hack/install-test-deps.sh valkey-server")
	return ""
}

// StartReplicated starts a server that knows WAITAOF, and this number of replicas of it. It returns when every replica is
// connected. args are added to the command lines of all servers.
func StartReplicated(tb testing.TB, replicas int, args ...string) (master *Server, copies []*Server) {
	tb.Helper()
	program := programWithWaitAOF(tb)
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	addr := loopback.FreeAddress(tb)
	master = start(tb, program, addr, serverArgs(tb, addr, args))
	host, port, _ := net.SplitHostPort(addr)
	for range replicas {
		addr := loopback.FreeAddress(tb)
		copies = append(copies, start(tb, program, addr, serverArgs(tb, addr, append([]string{"--replicaof", host + " " + port}, args...))))
	}
	master.AwaitReplicas(tb, replicas)
	return master, copies
}

// AwaitReplicas waits until this number of replicas is connected to the server.
func (s *Server) AwaitReplicas(tb testing.TB, count int) {
	tb.Helper()
	client := s.singleClient(tb, "")
	err := wait.PollUntilContextTimeout(tb.Context(), interval, patience, true, func(ctx context.Context) (bool, error) {
		info, err := client.Do(ctx, client.B().Info().Section("replication").Build()).ToString()
		return strings.Count(info, "state=online") == count, err
	})
	if err != nil {
		tb.Fatalf("redistest: %d replicas are not connected: %v", count, err)
	}
}
