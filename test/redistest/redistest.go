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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/test/loopback"
)

// binary names the server; the environment variable REDIS_SERVER, such as valkey-server, replaces it.
const binary = "redis-server"

const (
	patience = time.Minute
	interval = 20 * time.Millisecond
)

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
	addr := loopback.FreeAddress(tb)
	host, port, _ := net.SplitHostPort(addr)
	return start(tb, addr, append([]string{
		"--bind", host, "--port", port, "--dir", tb.TempDir(), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
	}, args...))
}

func start(tb testing.TB, addr string, args []string) *Server {
	tb.Helper()
	s := &Server{Addr: addr, tb: tb, args: args}
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
	return connect(tb, rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true})
}

// single connects to this one of several servers.
func (s *Server) single(tb testing.TB, password string) rueidis.Client {
	tb.Helper()
	return connect(tb, rueidis.ClientOption{InitAddress: []string{s.Addr}, Password: password, DisableCache: true, ForceSingleClient: true})
}

func connect(tb testing.TB, options rueidis.ClientOption) rueidis.Client {
	tb.Helper()
	client, err := rueidis.NewClient(options)
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	tb.Cleanup(client.Close)
	return client
}

// awaitReady reads the server's log until it says that it takes connections, or as a sentinel what it watches, and drains the rest.
func (s *Server) awaitReady(stdout io.Reader) {
	s.tb.Helper()
	var seen strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") || strings.Contains(lines.Text(), "+monitor master") {
			s.output.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
			return
		}
		fmt.Fprintln(&seen, lines.Text())
	}
	_ = s.command.Wait()
	s.command = nil
	s.tb.Fatalf("redistest: the server ended before it was ready:\n%s", &seen)
}
