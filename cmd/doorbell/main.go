// SPDX-License-Identifier: Apache-2.0

// Command doorbell is the command line of Doorbell. If it is installed as kubectl-doorbell, it is also a plugin of kubectl:
// `kubectl doorbell`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the process at once

	root := &cobra.Command{
		Use:           "doorbell",
		Short:         "Turn RudderStack events into calls to Knock, in order and without losing or repeating any",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newDevCommand(), newVersionCommand())
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "doorbell:", err)
		return 1
	}
	return 0
}
