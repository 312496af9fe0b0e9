// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/doorbell-dev/doorbell/test/checker"
)

// slot runs processes one after another, as kubelet restarts a container.
type slot struct {
	world *world
	name  string

	mu      sync.Mutex
	command *exec.Cmd // nil while no process runs
	address string    // of the latest process, for events
	outputs []string  // the files with the log of each process
	trouble time.Time // when a fault last disturbed the process; it need not respond to a request that was in progress then
	frozen  bool
}

// start starts a process and waits until it listens.
func (s *slot) start() {
	w := s.world
	s.mu.Lock()
	defer s.mu.Unlock()
	output := filepath.Join(w.t.TempDir(), fmt.Sprintf("%s-%d.log", s.name, len(s.outputs)))
	file, err := os.Create(output)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	arguments := append([]string{
		"--config", w.config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--min-lease", lease.String(),
	}, w.redis.flags()...)
	if w.plan.sameOwner {
		arguments = append(arguments, "--owner", "slot-"+s.name)
	}
	command := exec.Command(ingestProgram, arguments...)
	command.Stderr = file
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = command.Process.Kill() })
	s.command, s.outputs = command, append(s.outputs, output)
	s.address = w.awaitListen(output)
	s.trouble = time.Now() // requests to the address of the former process fail until then
	w.history.add("%s       starts at %s", s.name, s.address)
}

// awaitListen reads the address of the process from the first line of its log.
func (w *world) awaitListen(output string) string {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(output)
		line, _, complete := bytes.Cut(text, []byte("\n"))
		var first struct{ Listen string }
		if complete && json.Unmarshal(line, &first) == nil && first.Listen != "" {
			return first.Listen
		}
	}
	text, _ := os.ReadFile(output)
	w.t.Fatalf("the process does not start:\n%s", text)
	return ""
}

// kill kills the process with SIGKILL.
func (s *slot) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.command.Process.Kill()
	_ = s.command.Wait() // an error, because the process was killed
	s.command, s.trouble = nil, time.Now()
}

// freeze stops the process for this time. It keeps its connections.
func (s *slot) freeze(length time.Duration) {
	s.signal(syscall.SIGSTOP, true)
	time.Sleep(length)
	s.signal(syscall.SIGCONT, false)
}

func (s *slot) signal(signal syscall.Signal, frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen, s.trouble = frozen, time.Now()
	if err := s.command.Process.Signal(signal); err != nil {
		s.world.t.Errorf("%v: %v", signal, err)
	}
}

// url returns the ingestion URL of the latest process.
func (s *slot) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("http://%s/%s/%s/%s", s.address, checker.Namespace, checker.Source, urlToken)
}

// excusedSince reports whether the process may have left a request that was sent at this time without a response.
func (s *slot) excusedSince(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.command == nil || s.frozen || !s.trouble.Before(at)
}

// checkOutput fails the test if a process of the slot has crashed, and adds the end of the log to the history.
func (s *slot) checkOutput() {
	for i, output := range s.outputs {
		read, err := os.ReadFile(output)
		if err != nil {
			s.world.t.Error(err)
		}
		text := string(read)
		for _, crash := range []string{"panic:", "fatal error:", "goroutine "} {
			if strings.Contains(text, crash) {
				s.world.t.Errorf("process %d of %s wrote %q:\n%s", i, s.name, crash, text)
			}
		}
		s.world.history.add("log     of process %d of %s:\n%s", i, s.name, text[max(0, len(text)-4000):])
	}
}
