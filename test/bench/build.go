// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build builds ingest and Bento. The floor is a command of this program.
func (b *bench) build(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.bentoDirectory, err = filepath.Abs("test/bench/bento"); err != nil {
		return err
	}
	b.ingest = filepath.Join(b.directory, "ingest")
	if err := goBuild(ctx, ".", b.ingest, "./cmd/ingest"); err != nil {
		return fmt.Errorf("build ingest: %w", err)
	}
	bento := filepath.Join(b.directory, "bento")
	if err := goBuild(ctx, b.bentoDirectory, bento, "."); err != nil {
		fmt.Fprintln(os.Stderr, "Bento cannot be built, so this run does not measure it:", err)
		return nil
	}
	b.bento = bento
	return nil
}

// goBuild builds a package of the module in a directory.
func goBuild(ctx context.Context, directory, output, target string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", output, target)
	command.Dir, command.Stdout, command.Stderr = directory, os.Stderr, os.Stderr
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	return command.Run()
}
