// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/dev"
)

const devExample = `  # Run the sample manifests. Without an API key, Doorbell shows the calls to Knock and does not make them.
  doorbell dev -f config/samples

  # Run your manifests, keep events across restarts, and call Knock.
  KNOCK_API_KEY=sk_test_… doorbell dev -f manifests/ --redis redis://localhost:6379`

func newDevCommand() *cobra.Command {
	options := dev.Options{Stdout: os.Stdout, Stderr: os.Stderr, APIKey: os.Getenv("KNOCK_API_KEY"), Version: version}
	cmd := &cobra.Command{
		Use:     "dev -f PATH",
		Short:   "Run manifests without a cluster, and show each event and each call to Knock",
		Example: devExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.Output != dev.Text && options.Output != dev.JSON {
				return fmt.Errorf("invalid --output %q: must be %q or %q", options.Output, dev.Text, dev.JSON)
			}
			return dev.Run(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&options.Paths, "filename", "f", nil, "YAML file or directory with Sources, ActionMappings and Secrets; repeat the flag, or separate paths by commas")
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:8080", "address on which Doorbell receives events")
	flags.StringVar(&options.Redis, "redis", "", "URL of the Redis server that stores the events, such as redis://localhost:6379; without it, events are kept in memory")
	flags.StringVar(&options.KnockURL, "knock-url", "", "Knock API base URL; overrides spec.knock.baseURL of every Source")
	flags.StringVarP(&options.Output, "output", "o", dev.Text, "output format: text or json")
	if err := cmd.MarkFlagRequired("filename"); err != nil {
		panic(err) // cannot happen, because the flag is defined above
	}
	return cmd
}
