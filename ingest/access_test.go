// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// TestAccessAllowsEveryCommandOfTheScripts reads the source of the scripts, because no test runs every branch of them.
func TestAccessAllowsEveryCommandOfTheScripts(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*/lua/*.lua", "delivery/ratelimit/permits/lua/*.lua"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("found %d scripts as %s, %v", len(found), pattern, err)
		}
		files = append(files, found...)
	}
	if len(files) < 10 {
		t.Fatalf("found %d scripts", len(files))
	}
	call := regexp.MustCompile(`redis\.p?call\('([A-Z]+)'`)
	allowed := strings.Fields(keyspace.Access)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, called := range call.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(allowed, "+"+strings.ToLower(called[1])) {
				t.Errorf("%s calls %s, which keyspace.Access does not allow", file, called[1])
			}
		}
	}
}
