// SPDX-License-Identifier: Apache-2.0

// Package docs_test tests the documentation: links, flags, make targets, metrics, and every YAML example.
package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// page is one Markdown file of the repository.
type page struct {
	path string // relative to root
	text string
}

// pages reads every Markdown file except the issue and pull request templates.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	for _, path := range files(t, ".", ".md") {
		all = append(all, page{path, read(t, path)})
	}
	if len(all) < 10 {
		t.Fatalf("found %d Markdown files; want at least 10", len(all))
	}
	return all
}

// files lists the files under a directory whose names end in suffix, relative to root, without hidden directories.
func files(t *testing.T, under, suffix string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(root), under, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(path, suffix):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// matches returns the first group of every match.
func matches(pattern *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fencePattern   = regexp.MustCompile("(?s)```.*?```")
	notInAnchor    = regexp.MustCompile("[^a-z0-9 _-]")
)

func TestEveryRelativeLinkHasATarget(t *testing.T) {
	for _, p := range pages(t) {
		for link := range matches(linkPattern, fencePattern.ReplaceAllString(p.text, "")) {
			if strings.Contains(link, "://") {
				continue
			}
			target, anchor, _ := strings.Cut(link, "#")
			path := p.path
			if target != "" {
				path = filepath.Join(filepath.Dir(p.path), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: the target of the link %q does not exist", p.path, link)
			} else if anchor != "" && !anchors(read(t, path))[anchor] {
				t.Errorf("%s: the link %q needs a heading %q in %s", p.path, link, anchor, path)
			}
		}
	}
}

// anchors returns the anchors that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for heading := range matches(headingPattern, fencePattern.ReplaceAllString(text, "")) {
		plain := notInAnchor.ReplaceAllString(strings.ToLower(heading), "")
		found[strings.ReplaceAll(plain, " ", "-")] = true
	}
	return found
}

// foreignFlags are the flags of other programs that the documentation uses.
var foreignFlags = []string{
	"server-side", "from-literal", "dry-run", "for", "timeout", "overwrite", "clusterrole", "serviceaccount", // kubectl
}

func TestEveryFlagExists(t *testing.T) {
	defined := map[string]bool{}
	for _, path := range files(t, "cmd", ".go") {
		maps.Copy(defined, matches(regexp.MustCompile(`flags\.[A-Za-z0-9]+\([^"\n]*"([a-z-]+)",`), read(t, path)))
	}
	if len(defined) < 15 {
		t.Fatalf("found only the flags %v in cmd", slices.Sorted(maps.Keys(defined)))
	}
	for _, p := range pages(t) {
		for flag := range matches(regexp.MustCompile("(?m)(?:^|[ `(])--([a-z][a-z-]+)"), p.text) {
			if !defined[flag] && !slices.Contains(foreignFlags, flag) && p.path != "CHANGELOG.md" {
				t.Errorf("%s: no program has the flag --%s", p.path, flag)
			}
		}
	}
}

func TestEveryMakeTargetExists(t *testing.T) {
	targets := matches(regexp.MustCompile(`(?m)^([a-z0-9-]+):`), read(t, "Makefile"))
	for _, p := range pages(t) {
		for _, command := range regexp.MustCompile("(?m)(?:^|`|: )make ((?:[a-z0-9-]+ ?)+)").FindAllStringSubmatch(p.text, -1) {
			for target := range strings.FieldsSeq(command[1]) {
				if !targets[target] {
					t.Errorf("%s: make has no target %s", p.path, target)
				}
			}
		}
	}
}

func TestEveryNamedTestExists(t *testing.T) {
	for _, p := range pages(t) {
		for _, command := range regexp.MustCompile(`go test (?:-fuzz (Fuzz\w+) )?\./([a-z/]+)(?: -run (Test\w+))?`).FindAllStringSubmatch(p.text, -1) {
			name, found := command[1]+command[3], false
			for _, path := range files(t, command[2], "_test.go") {
				found = found || strings.Contains(read(t, path), "\nfunc "+name)
			}
			if !found {
				t.Errorf("%s: %s has no test %s", p.path, command[2], name)
			}
		}
	}
}

func TestMetricsPageListsEveryMetric(t *testing.T) {
	registered := map[string]bool{}
	for _, path := range files(t, "ingest", "metrics.go") {
		maps.Copy(registered, matches(regexp.MustCompile(`Name: +"(doorbell_[a-z_]+)"`), read(t, path)))
	}
	listed := matches(regexp.MustCompile("(?m)^\\| `(doorbell_[a-z_]+)`"), read(t, "docs/operator.md"))
	if got, want := slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(registered)); !slices.Equal(got, want) {
		t.Errorf("docs/operator.md lists the metrics %q; the code has %q", got, want)
	}
}

func TestStatusPageListsEveryReason(t *testing.T) {
	page := read(t, "docs/operator.md")
	for reason := range matches(regexp.MustCompile(`(?m)^\tReason\w+ += "(\w+)"`), read(t, "api/v1alpha1/conditions.go")) {
		if reason != "Succeeded" && !strings.Contains(page, "`"+reason+"`") {
			t.Errorf("docs/operator.md does not explain the reason %s", reason)
		}
	}
}

func TestResponsesPageListsEveryErrorCode(t *testing.T) {
	page := read(t, "docs/events.md")
	for code := range matches(regexp.MustCompile(`(?:code: |\w+\()"([a-z]+(?:_[a-z]+)*)", `), read(t, "ingest/receiver/response.go")) {
		if !strings.Contains(page, "`"+code+"`") {
			t.Errorf("docs/events.md does not list the error code %s", code)
		}
	}
}
