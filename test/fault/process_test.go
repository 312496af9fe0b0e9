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

// patience bounds every wait.
const patience = time.Minute

// process is a doorbell that runs, or has run.
type process struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr *feed
	exited         context.Context //nolint:containedctx // ends with the process, so that waits for its output do too
	url            string
}

// launch starts doorbell with a home of its own until the test ends.
func launch(t *testing.T, home string, env []string, args ...string) *process {
	t.Helper()
	return launchProgram(t, binary, append([]string{"HOME=" + home}, env...), args...)
}

// launchProgram starts one of the programs until the test ends.
func launchProgram(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, stdout: newFeed(), stderr: newFeed(), command: exec.Command(program, args...)}
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
		_ = p.command.Wait() // see exitCode; it also ends the copying to the feeds
	}()
	t.Cleanup(func() {
		p.kill()
		p.check()
	})
	return p
}

// await waits until enough says so of what the process writes to one of its outputs.
func (p *process) await(f *feed, what string, enough func([]line) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.exited, patience)
	defer cancel()
	if !f.await(ctx, enough) {
		p.t.Fatalf("no %s (process ended: %v); stderr:\n%s\nstdout:\n%s",
			what, p.exited.Err() != nil, p.stderr.text(), tail(p.stdout.text()))
	}
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

// ready waits for the URL of the process's first source.
func (p *process) ready() string {
	p.t.Helper()
	p.await(p.stdout, "ready line", func(lines []line) bool { return len(lines) > 0 && lines[0].Kind == "ready" })
	lines, _ := p.stdout.sofar()
	p.url = lines[0].URL
	return p.url
}

// awaitEvents waits for final statuses of that many events and returns them.
func (p *process) awaitEvents(count int) []line {
	p.t.Helper()
	p.await(p.stdout, "final statuses", func(lines []line) bool { return len(events(lines)) >= count })
	lines, _ := p.stdout.sofar()
	return events(lines)
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.exited.Done()
}

// interrupt is Ctrl-C.
func (p *process) interrupt() { p.end(os.Interrupt) }

// end asks the process to end.
func (p *process) end(by os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(by); err != nil {
		p.t.Fatal(err)
	}
}

// exitCode waits for the end.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case <-p.exited.Done():
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("the process does not end; stderr:\n%s", p.stderr.text())
		return -1
	}
}

// check looks for what no process may write, whatever the test: its secrets, and signs of a crash.
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
	lines, _ := p.stdout.sofar()
	for _, l := range lines {
		if l.Kind == "ready" {
			continue
		}
		if l.Kind != "event" {
			p.t.Errorf("stdout has something else than an event: %s", l.Raw)
		}
		p.absent("stdout", l.Raw, secrets)
	}
	p.absent("stderr", errors, secrets)
}

func (p *process) absent(where, text string, secrets []string) {
	p.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			p.t.Errorf("%s has the secret %q: %s", where, secret, tail(text))
		}
	}
}

// token is the secret in a source's URL.
func token(url string) string { return path.Base(url) }
