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
		Short: "Print the version, and what it was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(cmd.OutOrStdout(), describe(version, info))
			return err
		},
	}
}

// describe puts a version, and what the Go toolchain noted of the build, into one line for reports of mistakes.
func describe(version string, info *debug.BuildInfo) string {
	return fmt.Sprintf("doorbell %s (%s, %s, %s/%s)", version, commit(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit names what was built; a build outside of a checkout does not know it.
func commit(info *debug.BuildInfo) string {
	const short = 12
	noted := map[string]string{}
	if info != nil {
		for _, setting := range info.Settings {
			noted[setting.Key] = setting.Value
		}
	}
	revision := noted["vcs.revision"]
	if revision == "" {
		return "commit unknown"
	}
	if noted["vcs.modified"] == "true" {
		return "commit " + revision[:min(short, len(revision))] + " with changes"
	}
	return "commit " + revision[:min(short, len(revision))]
}
