// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/dev"
)

const devExample = `  # Run the sample manifests; without an API key the Knock calls are printed, not made.
  doorbell dev -f config/samples

  # Run yours, keep events over restarts, call Knock.
  KNOCK_API_KEY=sk_test_… doorbell dev -f manifests/ --redis redis://localhost:6379`

func newDevCommand() *cobra.Command {
	options := dev.Options{Stdout: os.Stdout, Stderr: os.Stderr, APIKey: os.Getenv("KNOCK_API_KEY"), Version: version}
	cmd := &cobra.Command{
		Use:     "dev -f PATH",
		Short:   "Run manifests without a cluster and show each event and call as it happens",
		Example: devExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.Output != dev.Text && options.Output != dev.JSON {
				return fmt.Errorf("--output %s: want text or json", options.Output)
			}
			return dev.Run(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&options.Paths, "filename", "f", nil, "YAML file or folder with Sources, ActionMappings and Secrets; repeat or separate by commas")
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:8080", "address for the senders' requests")
	flags.StringVar(&options.Redis, "redis", "", "URL of a Redis that keeps the events, such as redis://localhost:6379; without it they live in memory")
	flags.StringVar(&options.KnockURL, "knock-url", "", "base URL of the Knock API, instead of the Sources' own")
	flags.StringVarP(&options.Output, "output", "o", dev.Text, "text for people or json for programs")
	if err := cmd.MarkFlagRequired("filename"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}
