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
	files, err := filepath.Glob("*/lua/*.lua")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d scripts, %v", len(files), err)
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
