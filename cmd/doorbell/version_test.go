// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheVersionNamesTheCommitAndThePlatform(t *testing.T) {
	built := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	for _, test := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"a checkout", built(revision), "commit 0123456789ab"},
		{"a changed checkout", built(revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "commit 0123456789ab with changes"},
		{"no checkout", built(), "commit unknown"},
		{"no build information", nil, "commit unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := "doorbell v1.2.3 (" + test.want + ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
			if got := describe("v1.2.3", test.info); got != want {
				t.Errorf("describe: %s; want %s", got, want)
			}
		})
	}
}
