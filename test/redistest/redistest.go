// SPDX-License-Identifier: Apache-2.0

// Package redistest runs a real redis-server for a test.
package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/rueidis"
)

// binary names the server; the environment variable REDIS_SERVER, such as valkey-server, replaces it.
const binary = "redis-server"

// Server is a server on loopback that keeps its data in a folder of the test's, as durably as the managed one does.
type Server struct {
	// Addr is host:port; it stays the same over Kill and Start.
	Addr string

	tb      testing.TB
	args    []string
	command *exec.Cmd
	output  sync.WaitGroup
}

// Start runs a server until the test ends. Further arguments are added to its command line, as in "--maxmemory", "8mb".
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	addr := freeAddress(tb)
	host, port, _ := net.SplitHostPort(addr)
	s := &Server{Addr: addr, tb: tb, args: append([]string{
		"--bind", host, "--port", port, "--dir", tb.TempDir(), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
	}, args...)}
	s.Start()
	tb.Cleanup(func() {
		if s.command != nil {
			s.Kill()
		}
	})
	return s
}

// Start runs the server again after Kill, with the same address and data, and returns when it answers.
func (s *Server) Start() {
	s.tb.Helper()
	name := os.Getenv("REDIS_SERVER")
	if name == "" {
		name = binary
	}
	command := exec.Command(name, s.args...) //nolint:gosec,noctx // a test's own arguments; Kill ends it
	stdout, err := command.StdoutPipe()
	if err != nil {
		s.tb.Fatalf("redistest: %v", err)
	}
	if err := command.Start(); err != nil {
		s.tb.Fatalf("redistest: %v", err)
	}
	s.command = command
	s.awaitReady(stdout)
}

// Kill ends the server at once, as kill -9 does.
func (s *Server) Kill() {
	s.tb.Helper()
	if err := s.command.Process.Kill(); err != nil {
		s.tb.Errorf("redistest: %v", err)
	}
	s.output.Wait()
	_ = s.command.Wait() // it was killed
	s.command = nil
}

// Client connects to the server, as the data plane does, until the test ends.
func (s *Server) Client(tb testing.TB) rueidis.Client {
	tb.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true})
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	tb.Cleanup(client.Close)
	return client
}

// awaitReady reads the server's log until it says that it takes connections, and drains the rest.
func (s *Server) awaitReady(stdout io.Reader) {
	s.tb.Helper()
	var seen strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			s.output.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
			return
		}
		fmt.Fprintln(&seen, lines.Text())
	}
	_ = s.command.Wait()
	s.command = nil
	s.tb.Fatalf("redistest: the server ended before it was ready:\n%s", &seen)
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	defer func() { _ = listener.Close() }()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}
