// SPDX-License-Identifier: Apache-2.0

package manifestdir

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watched drives a watcher of the working directory tick by tick, 100 ms apart.
type watched struct {
	watcher
	now      time.Time
	reported [][]string
}

func watch() *watched {
	start := Scan([]string{"."})
	return &watched{watcher: watcher{reported: start, latest: start}, now: time.Unix(0, 0)}
}

func (w *watched) tick() {
	w.now = w.now.Add(100 * time.Millisecond)
	if w.settled(Scan([]string{"."}), w.now) {
		w.reported = append(w.reported, names(w.watcher.reported))
	}
}

func TestWatchReportsChangesOnceTheFilesHaveSettled(t *testing.T) {
	type change func(t *testing.T)
	replace := func(t *testing.T) {
		create(t, "a.yaml~")
		if err := os.Rename("a.yaml~", "a.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	touch := func(path string, second int64) change {
		return func(t *testing.T) {
			if err := os.Chtimes(path, time.Unix(second, 0), time.Unix(second, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(path string) change { return func(*testing.T) { os.Remove(path) } }
	add := func(path string) change { return func(t *testing.T) { create(t, path) } }
	none := func(*testing.T) {}
	both := []string{"a.yaml", "b.yaml"}
	for _, tc := range []struct {
		name    string
		changes []change // one before each tick
		want    [][]string
	}{
		{"nothing changes", []change{none, none, none}, nil},
		{"a file changes, and has not settled", []change{touch("a.yaml", 1), none}, nil},
		{"a file changes and settles", []change{touch("a.yaml", 1), none, none, none, none}, [][]string{both}},
		{"a file changes again before it has settled", []change{touch("a.yaml", 1), none, touch("a.yaml", 2), none}, nil},
		{"a file changes again and settles", []change{touch("a.yaml", 1), none, touch("a.yaml", 2), none, none}, [][]string{both}},
		{"another file replaces a file", []change{replace, none, none}, [][]string{both}},
		{"a new file in a new directory", []change{add("c/d.yaml"), none, none}, [][]string{{"a.yaml", "b.yaml", "c/d.yaml"}}},
		{"a file is deleted", []change{remove("a.yaml"), none, none}, [][]string{{"b.yaml"}}},
		{"a file disappears for a moment", []change{remove("a.yaml"), add("a.yaml"), none, none}, [][]string{both}},
		{"a file appears for a moment", []change{add("c.yaml"), remove("c.yaml"), none, none}, nil},
		{"a file changes back", []change{touch("a.yaml", 1), touch("a.yaml", 0), none, none}, nil},
		{"two files change one after the other", []change{remove("a.yaml"), add("c.yaml"), none, none}, [][]string{{"b.yaml", "c.yaml"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			create(t, "a.yaml", "b.yaml")
			touch("a.yaml", 0)(t)
			w := watch()
			for _, change := range tc.changes {
				change(t)
				w.tick()
			}
			if diff := cmp.Diff(tc.want, w.reported); diff != "" {
				t.Errorf("reported listings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWatchDoesNotWaitLongForAFileThatChangesAllTheTime(t *testing.T) {
	t.Chdir(t.TempDir())
	create(t, "a.yaml", "b.yaml")
	w := watch()
	create(t, "c.yaml")
	for i := range int64(22) {
		if err := os.Chtimes("a.yaml", time.Unix(i, 0), time.Unix(i, 0)); err != nil {
			t.Fatal(err)
		}
		w.tick()
	}
	if diff := cmp.Diff([][]string{{"a.yaml", "b.yaml", "c.yaml"}}, w.reported); diff != "" {
		t.Errorf("reported listings after 2.2 s (-want +got):\n%s", diff)
	}
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
	var reported [][]string
	Watch(t.Context(), []string{"."}, start, ticks, func(l Listing) { reported = append(reported, names(l)) })
	if diff := cmp.Diff([][]string{{"a.yaml"}}, reported); diff != "" {
		t.Errorf("reported listings (-want +got):\n%s", diff)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Watch(ctx, nil, Listing{}, nil, func(Listing) { t.Error("a change was reported") })
}
