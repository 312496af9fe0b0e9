// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// patience is the maximum time that a test waits for one condition.
const patience = time.Minute

// process is a running or ended process of one of the programs.
type process struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr *output
	exited         context.Context //nolint:containedctx // ends with the process, so that every wait for its output ends too
	url            string
}

// launch starts the doorbell command with this home directory. The cleanup of the test kills the process.
func launch(t *testing.T, home string, env []string, args ...string) *process {
	t.Helper()
	return launchProgram(t, binary, append([]string{"HOME=" + home}, env...), args...)
}

// launchProgram starts one of the programs. The cleanup of the test kills the process.
func launchProgram(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, stdout: newOutput(), stderr: newOutput(), command: exec.Command(program, args...)}
	p.command.Env = append([]string{"GORACE=halt_on_error=1"}, env...)
	p.command.Stdout, p.command.Stderr = p.stdout, p.stderr
	p.command.WaitDelay = time.Second
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	exited, ended := context.WithCancel(context.WithoutCancel(t.Context()))
	p.exited = exited
	go func() {
		defer ended()
		_ = p.command.Wait() // the test reads the exit code with exitCode
	}()
	t.Cleanup(func() {
		p.kill()
		p.check()
	})
	return p
}

// await waits until enough returns true for the lines of one of the process's outputs.
func (p *process) await(o *output, what string, enough func([]line) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.exited, patience)
	defer cancel()
	if !o.await(ctx, enough) {
		p.t.Fatalf("no %s (process ended: %v); stderr:\n%s\nstdout:\n%s",
			what, p.exited.Err() != nil, p.stderr.text(), tail(p.stdout.text()))
	}
}

// tail returns the last 4,000 bytes of a text.
func tail(text string) string { return text[max(0, len(text)-4000):] }

// ready waits until the first source is ready, and returns its URL.
func (p *process) ready() string {
	p.t.Helper()
	p.await(p.stdout, "ready line", func(lines []line) bool { return len(lines) > 0 && lines[0].Kind == "ready" })
	lines, _ := p.stdout.linesSoFar()
	p.url = lines[0].URL
	return p.url
}

// awaitEvents waits until the process has printed this many finished events and returns them.
func (p *process) awaitEvents(count int) []line {
	p.t.Helper()
	p.await(p.stdout, "final statuses", func(lines []line) bool { return len(events(lines)) >= count })
	lines, _ := p.stdout.linesSoFar()
	return events(lines)
}

// kill kills the process with SIGKILL and waits until it has ended.
func (p *process) kill() {
	_ = p.command.Process.Kill() // the process may have ended already
	<-p.exited.Done()
}

// interrupt sends SIGINT, as Ctrl-C does.
func (p *process) interrupt() { p.signal(os.Interrupt) }

// signal sends a signal to the process.
func (p *process) signal(signal os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// exitCode waits until the process has ended and returns its exit code.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case <-p.exited.Done():
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("the process has not ended; stderr:\n%s", p.stderr.text())
		return -1
	}
}

// check fails the test if the process has written a secret or a sign of a crash, or anything except events to stdout.
func (p *process) check() {
	p.t.Helper()
	secrets := []string{knocktest.APIKey, wrongKey, senderSecret}
	if p.url != "" {
		secrets = append(secrets, token(p.url))
	}
	errors := p.stderr.text()
	for _, crash := range []string{"DATA RACE", "panic:", "fatal error:", "goroutine "} {
		if strings.Contains(errors, crash) {
			p.t.Errorf("stderr has %q:\n%s", crash, errors)
		}
	}
	lines, _ := p.stdout.linesSoFar()
	for _, l := range lines {
		if l.Kind == "ready" {
			continue
		}
		if l.Kind != "event" {
			p.t.Errorf("stdout has a line that is not an event: %s", l.Raw)
		}
		p.checkAbsent("stdout", l.Raw, secrets)
	}
	p.checkAbsent("stderr", errors, secrets)
}

// checkAbsent fails the test if the text contains one of the secrets.
func (p *process) checkAbsent(where, text string, secrets []string) {
	p.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			p.t.Errorf("%s has the secret %q: %s", where, secret, tail(text))
		}
	}
}

// token returns the token in an ingestion URL.
func token(url string) string { return path.Base(url) }
