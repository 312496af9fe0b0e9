// SPDX-License-Identifier: Apache-2.0

// Package redistest starts real Redis servers for tests: one server, a server with a replica and a sentinel, or a cluster. A test
// can kill a server and start it again with its data. Only tests may import it.
package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/test/loopback"
)

const (
	patience = time.Minute // the longest wait
	interval = 20 * time.Millisecond
)

// Server is a Redis server on 127.0.0.1. It stores its data in a temporary directory of the test and, like the managed Redis,
// writes it to disk before it replies.
type Server struct {
	// Addr is host:port. It stays the same across Kill and Start.
	Addr string

	tb      testing.TB
	program string
	args    []string
	command *exec.Cmd
	output  sync.WaitGroup
}

// Start starts a server, which runs until the test ends. args are added to its command line, such as "--maxmemory", "8mb".
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	addr := loopback.FreeAddress(tb)
	return start(tb, defaultProgram(), addr, serverArgs(tb, addr, args))
}

// serverArgs returns the arguments of a server that stores its data in a new directory.
func serverArgs(tb testing.TB, addr string, more []string) []string {
	tb.Helper()
	host, port, _ := net.SplitHostPort(addr)
	return append([]string{
		"--bind", host, "--port", port, "--dir", tb.TempDir(), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
	}, more...)
}

func start(tb testing.TB, program, addr string, args []string) *Server {
	tb.Helper()
	s := &Server{Addr: addr, tb: tb, program: program, args: args}
	s.Start()
	tb.Cleanup(func() {
		if s.command != nil {
			s.Kill()
		}
	})
	return s
}

// Start starts the server again after Kill, with the same address and data. It returns when the server accepts connections.
func (s *Server) Start() {
	s.tb.Helper()
	command := exec.Command(s.program, s.args...) //nolint:gosec,noctx // the test chooses the arguments; Kill ends the process
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

// Kill kills the server with SIGKILL and waits until it has ended.
func (s *Server) Kill() {
	s.tb.Helper()
	if err := s.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Errorf("redistest: %v", err)
	}
	s.AwaitExit()
}

// AwaitExit waits until the server has ended by itself. The server can then be started again.
func (s *Server) AwaitExit() {
	s.output.Wait()
	_ = s.command.Wait() // an error, because the process was killed or has failed
	s.command = nil
}

// Pause stops the server's process until Resume. Its connections stay open, but it does not reply.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume continues the process after Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal os.Signal) {
	s.tb.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		s.tb.Errorf("redistest: %v", err)
	}
}

// Client returns a client that is connected to the server, with the data plane's options, until the test ends.
func (s *Server) Client(tb testing.TB) rueidis.Client {
	tb.Helper()
	return connect(tb, rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true})
}

// singleClient returns a client of this server alone, even if the server belongs to a cluster.
func (s *Server) singleClient(tb testing.TB, password string) rueidis.Client {
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

// awaitReady reads the server's log until the server accepts connections or, if it is a sentinel, monitors its master. It then
// discards the rest of the log in the background.
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
