// SPDX-License-Identifier: Apache-2.0

// Package fault_test runs the doorbell command as users do, and the ingest program as pods do, between a real Redis and the fake Knock, and breaks what can
// break: processes and Redis killed in mid-delivery, answers lost, keys refused, manifests that change. What was answered
// 200 has to reach Knock in order, once.
package fault_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The programs, built for all tests of the package.
var binary, ingestBinary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "doorbell-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binary, ingestBinary = filepath.Join(folder, "doorbell"), filepath.Join(folder, "ingest")
	args := []string{"build", "-o", folder + "/"}
	if raceDetector {
		args = append(args, "-race") // a race in the process ends it, see process.check
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
