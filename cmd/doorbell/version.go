// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the commit that it was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(cmd.OutOrStdout(), describe(version, info))
			return err
		},
	}
}

// describe returns the version, the commit and the platform on one line, for bug reports.
func describe(version string, info *debug.BuildInfo) string {
	return fmt.Sprintf("doorbell %s (%s, %s, %s/%s)", version, commit(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit returns the commit that the Go toolchain recorded. It is unknown if the build did not run in a Git checkout.
func commit(info *debug.BuildInfo) string {
	const short = 12
	settings := map[string]string{}
	if info != nil {
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return "commit unknown"
	}
	if settings["vcs.modified"] == "true" {
		return "commit " + revision[:min(short, len(revision))] + " with changes"
	}
	return "commit " + revision[:min(short, len(revision))]
}
