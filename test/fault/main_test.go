// SPDX-License-Identifier: Apache-2.0

// Package fault_test runs the doorbell command as users do and the ingest program as pods do, with a real Redis and the
// fake Knock, and makes things fail: it kills processes and Redis during deliveries, drops Knock's responses, rejects
// API keys and changes manifests. Every event that Doorbell accepted with a 200 must take effect in Knock once and in
// order.
package fault_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary and ingestBinary are the paths of the programs, which run builds for all tests of the package.
var binary, ingestBinary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the programs and runs the tests. It returns the exit code.
func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "doorbell-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	binary, ingestBinary = filepath.Join(directory, "doorbell"), filepath.Join(directory, "ingest")
	args := []string{"build", "-o", directory + "/"}
	if raceDetector {
		args = append(args, "-race") // a data race ends the process; see process.check
	}
	build := exec.Command("go", append(args,
		"github.com/doorbell-dev/doorbell/cmd/doorbell", "github.com/doorbell-dev/doorbell/cmd/ingest")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return m.Run()
}
