// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a running program.
type process struct {
	command *exec.Cmd
	log     string // the file with its output
}

// start starts a program, with environment variables in addition to those of this process. Its output goes to a file.
func (r *rig) start(ctx context.Context, environment []string, program string, args ...string) (*process, error) {
	path := filepath.Join(r.directory, fmt.Sprintf("process-%d.log", len(r.processes)))
	log, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has its own descriptor
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command, path}
	r.processes = append(r.processes, p)
	return p, nil
}

// kill ends the process and waits until it has ended.
func (p *process) kill() {
	_ = p.command.Process.Kill() // the process may have ended already
	_ = p.command.Wait()         // always an error, because the process was killed
}

// lastOutput returns the end of the process's output.
func (p *process) lastOutput() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// memory returns a value of /proc/PID/status in MiB: VmRSS is the resident memory now, and VmHWM the highest so far.
func (p *process) memory(name string) (mebibytes float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name+":" {
			kibibytes, err := strconv.ParseFloat(fields[1], 64)
			return kibibytes / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/PID/status has no %s", name)
}

// processorTime returns the CPU time that the process has used, in user mode and in the kernel. Linux counts it in
// units of 10 ms.
func (p *process) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name of the program ends with a parenthesis
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has the unexpected text %q", text)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// freeAddress returns an address of 127.0.0.1 on which no process listens at present.
func freeAddress(ctx context.Context) (string, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
