// SPDX-License-Identifier: Apache-2.0

package manifestdir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// create makes files in the working directory. The content of each one is its path.
func create(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

func names(listing Listing) []string {
	var paths []string
	for _, file := range listing.Files {
		paths = append(paths, file.Path)
	}
	return paths
}

func TestScan(t *testing.T) {
	for _, tc := range []struct {
		name  string
		make  func(t *testing.T)
		paths []string
		want  []string
		fails []string
	}{
		{"directories at any depth, YAML files only", func(t *testing.T) {
			create(t, "a.yaml", "b.YML", "c.json", "d/e/f.yaml", "g.yaml/h.yaml")
		}, []string{"."}, []string{"a.yaml", "b.YML", "d/e/f.yaml", "g.yaml/h.yaml"}, nil},
		{"no hidden files", func(t *testing.T) { create(t, ".a.yaml", ".git/b.yaml", "c.yaml") }, []string{"."}, []string{"c.yaml"}, nil},
		{"a path to a file with any extension", func(t *testing.T) { create(t, "a.json", "b.yaml") }, []string{"./a.json"}, []string{"a.json"}, nil},
		{"a file that is given twice is listed once", func(t *testing.T) { create(t, "a/b.yaml") }, []string{"a", "a/b.yaml", "./a/../a"}, []string{"a/b.yaml"}, nil},
		{"links to directories and files, some of them in circles", func(t *testing.T) {
			create(t, "a/b.yaml", "c/d.yaml", "e.txt")
			link(t, "..", "a/up")
			link(t, ".", "a/self")
			link(t, "nowhere", "a/dead.yaml")
			link(t, "../e.txt", "a/e.yaml")
			link(t, "loop.yaml", "a/loop.yaml")
		}, []string{"a"}, []string{"a/b.yaml", "a/e.yaml", "a/up/c/d.yaml"}, []string{"a/loop.yaml: too many links"}},
		{"a mounted ConfigMap", func(t *testing.T) {
			create(t, "m/..2026/a.yaml")
			link(t, "..2026", "m/..data")
			link(t, "..data/a.yaml", "m/a.yaml")
		}, []string{"m"}, []string{"m/a.yaml"}, nil},
		{"a path that does not exist", func(*testing.T) {}, []string{"a"}, nil, []string{"a: no such file or directory"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			tc.make(t)
			listing := Scan(tc.paths)
			if diff := cmp.Diff(tc.want, names(listing)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			var fails []string
			for _, p := range listing.Problems {
				fails = append(fails, p.Error())
			}
			if diff := cmp.Diff(tc.fails, fails); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScanTellsUnreadablePathsFromMissingOnes(t *testing.T) {
	t.Chdir(t.TempDir())
	link(t, "loop.yaml", "loop.yaml")
	listing := Scan([]string{"loop.yaml", "missing.yaml"})
	if diff := cmp.Diff([]string{"loop.yaml"}, listing.Unreadable); diff != "" {
		t.Errorf("unreadable paths (-want +got):\n%s", diff)
	}
}
