// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watched drives a watcher tick by tick, 100 ms apart.
type watched struct {
	watcher
	now time.Time
}

// tick returns the files that are told of, nil if there is nothing to tell.
func (w *watched) tick() []File {
	w.now = w.now.Add(100 * time.Millisecond)
	if !w.settle(Scan([]string{"."}), w.now) {
		return nil
	}
	return w.files()
}

func watch() *watched {
	return &watched{watcher: newWatcher(Scan([]string{"."})), now: time.Unix(0, 0)}
}

func TestWatchTellsOfWhatHasComeToRest(t *testing.T) {
	replace := func(t *testing.T) {
		create(t, "a.yaml~")
		if err := os.Rename("a.yaml~", "a.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	touch := func(path string, second int64) func(t *testing.T) {
		return func(t *testing.T) {
			if err := os.Chtimes(path, time.Unix(second, 0), time.Unix(second, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(path string) func(t *testing.T) { return func(*testing.T) { os.Remove(path) } }
	add := func(path string) func(t *testing.T) { return func(t *testing.T) { create(t, path) } }
	quiet := func(*testing.T) {}
	type step struct {
		change func(t *testing.T)
		want   []string
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"nothing when nothing changes", []step{{quiet, nil}, {quiet, nil}, {quiet, nil}}},
		{"a changed file after 200 ms, once", []step{{touch("a.yaml", 1), nil}, {quiet, nil}, {quiet, []string{"a.yaml", "b.yaml"}}, {quiet, nil}, {quiet, nil}}},
		{"a file that is written on only when it rests", []step{
			{touch("a.yaml", 1), nil}, {quiet, nil}, {touch("a.yaml", 2), nil}, {quiet, nil}, {quiet, []string{"a.yaml", "b.yaml"}},
		}},
		{"a file that another takes the place of", []step{{replace, nil}, {quiet, nil}, {quiet, []string{"a.yaml", "b.yaml"}}}},
		{"a new file in a new folder", []step{{add("c/d.yaml"), nil}, {quiet, nil}, {quiet, []string{"a.yaml", "b.yaml", "c/d.yaml"}}}},
		{"a deleted file", []step{{remove("a.yaml"), nil}, {quiet, nil}, {quiet, []string{"b.yaml"}}}},
		{"no file that was away for a moment", []step{{remove("a.yaml"), nil}, {add("a.yaml"), nil}, {quiet, nil}, {quiet, []string{"a.yaml", "b.yaml"}}}},
		{"no file that came and went", []step{{add("c.yaml"), nil}, {remove("c.yaml"), nil}, {quiet, nil}, {quiet, nil}}},
		{"no file that changed back", []step{{touch("a.yaml", 1), nil}, {touch("a.yaml", 0), nil}, {quiet, nil}, {quiet, nil}}},
		{"two files together, although one rests before the other", []step{
			{remove("a.yaml"), nil}, {add("c.yaml"), nil}, {quiet, nil}, {quiet, []string{"b.yaml", "c.yaml"}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			create(t, "a.yaml", "b.yaml")
			touch("a.yaml", 0)(t)
			w := watch()
			for i, step := range tc.steps {
				step.change(t)
				if diff := cmp.Diff(step.want, names(Listing{Files: w.tick()})); diff != "" {
					t.Fatalf("step %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestWatchDoesNotWaitForAFileThatNeverRests(t *testing.T) {
	t.Chdir(t.TempDir())
	create(t, "a.yaml", "b.yaml")
	w := watch()
	create(t, "c.yaml")
	for i := range int64(40) {
		if err := os.Chtimes("a.yaml", time.Unix(i, 0), time.Unix(i, 0)); err != nil {
			t.Fatal(err)
		}
		if got := w.tick(); got != nil {
			if diff := cmp.Diff([]string{"a.yaml", "b.yaml", "c.yaml"}, names(Listing{Files: got})); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if info, _ := os.Stat("a.yaml"); got[0].Same(info) {
				t.Error("the restless file is listed as it is now, not as it was known")
			}
			return
		}
	}
	t.Error("nothing in four seconds")
}

func TestWatchScansAtEachTick(t *testing.T) {
	t.Chdir(t.TempDir())
	start := Scan([]string{"."})
	create(t, "a.yaml")
	ticks := make(chan time.Time, 3)
	for i := range int64(3) {
		ticks <- time.Unix(i, 0)
	}
	close(ticks)
	var told [][]string
	Watch(t.Context(), []string{"."}, start, ticks, func(l Listing) { told = append(told, names(l)) })
	if diff := cmp.Diff([][]string{{"a.yaml"}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Watch(ctx, nil, Listing{}, nil, func(Listing) { t.Error("told of a change") })
}

func TestFilesBelowAnUnreadablePathAreNotTakenForDeleted(t *testing.T) {
	t.Chdir(t.TempDir())
	create(t, "a/b.yaml", "c.yaml")
	w := newWatcher(Scan([]string{"."}))
	listing := Scan([]string{"c.yaml"})
	listing.Errors = []PathError{{Path: "a", Message: "cannot be read"}}
	for _, at := range []int64{0, 10, 20} {
		if w.settle(listing, time.Unix(at, 0)) {
			t.Error("a file that may still be there was given up")
		}
	}
	listing.Errors[0].Gone = true
	w.settle(listing, time.Unix(30, 0))
	if !w.settle(listing, time.Unix(31, 0)) {
		t.Error("a file that is gone was kept")
	}
}
