// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
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

// StartReplicatedCluster starts a Redis Cluster that consists of one master that knows WAITAOF and one replica of it.
func StartReplicatedCluster(tb testing.TB) (master, replica *Server) {
	tb.Helper()
	program := programWithWaitAOF(tb)
	node := func() (*Server, int64) {
		addr := loopback.FreeAddress(tb)
		bus, _ := splitAddr(loopback.FreeAddress(tb))
		return start(tb, program, addr, serverArgs(tb, addr, []string{"--cluster-enabled", "yes", "--cluster-port", strconv.FormatInt(bus, 10)})), bus
	}
	master, bus := node()
	replica, _ = node()
	own, copied := master.singleClient(tb, ""), replica.singleClient(tb, "")
	port, host := splitAddr(master.Addr)
	id, err := own.Do(tb.Context(), own.B().ClusterMyid().Build()).ToString()
	for _, result := range []rueidis.RedisResult{
		own.Do(tb.Context(), own.B().ClusterAddslotsrange().StartSlotEndSlot().StartSlotEndSlot(0, slots-1).Build()),
		copied.Do(tb.Context(), copied.B().ClusterMeet().Ip(host).Port(port).ClusterBusPort(bus).Build()),
	} {
		err = errors.Join(err, result.Error())
	}
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	awaitCluster(tb, copied)
	if err := copied.Do(tb.Context(), copied.B().ClusterReplicate().NodeId(id).Build()).Error(); err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	master.AwaitReplicas(tb, 1)
	return master, replica
}

// StartAsReplica starts the server again after Kill, as a replica of another server, with its own data until it has
// received the data of that server.
func (s *Server) StartAsReplica(of *Server) {
	s.tb.Helper()
	host, port, _ := net.SplitHostPort(of.Addr)
	own := s.args
	s.args = append(slices.Clone(own), "--replicaof", host+" "+port)
	s.Start()
	s.args = own
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
