// SPDX-License-Identifier: Apache-2.0

// Command doorbell is Doorbell's command line. Installed as kubectl-doorbell it is also "kubectl doorbell".
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is stamped by the build.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once

	root := &cobra.Command{
		Use:           "doorbell",
		Short:         "Turn RudderStack events into Knock calls: in order, once, and never lost",
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
