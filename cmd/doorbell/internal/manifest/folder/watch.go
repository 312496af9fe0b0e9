// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A changed file counts when it has been still for stillness, and so have the others that changed: someone who moves a
// Source to another file does not want it gone in between. A file that never rests holds the others back for patience.
const (
	stillness = 200 * time.Millisecond
	patience  = 10 * stillness
)

// Watch scans paths at each tick and calls changed with the new listing whenever files were added, changed or deleted,
// compared with start. A file that is not still yet is listed as it was before; a reader that finds it otherwise (see
// File.Same) should leave it for the next time. Watch returns when ctx ends or ticks is closed. The ticks' own times
// are the clock; half of the 200 ms is a good distance.
func Watch(ctx context.Context, paths []string, start Listing, ticks <-chan time.Time, changed func(Listing)) {
	w := newWatcher(start)
	for {
		select {
		case <-ctx.Done():
			return
		case now, open := <-ticks:
			if !open || ctx.Err() != nil { // select takes either when both are ready
				return
			}
			if listing := Scan(paths); w.settle(listing, now) {
				changed(Listing{Files: w.files(), Errors: listing.Errors})
			}
		}
	}
}

type watcher struct {
	// known is what the receiver was told last.
	known   map[string]fs.FileInfo
	pending map[string]pending
}

func newWatcher(start Listing) watcher {
	return watcher{known: index(start), pending: map[string]pending{}}
}

// pending is a state that is not told yet; info is nil for a deleted file.
type pending struct {
	info         fs.FileInfo
	first, since time.Time // the file was first seen changed; its state has been the same since
}

// settle compares a scan with what is known and takes over what has come to rest. It reports whether there was any.
func (w *watcher) settle(listing Listing, now time.Time) bool {
	seen := index(listing)
	for path, info := range seen {
		w.note(path, info, now)
	}
	for path := range w.known {
		if seen[path] == nil && !listing.hides(path) {
			w.note(path, nil, now)
		}
	}
	for path := range w.pending {
		if seen[path] == nil && w.known[path] == nil {
			delete(w.pending, path) // came and went
		}
	}
	return w.take(now)
}

func (w *watcher) note(path string, info fs.FileInfo, now time.Time) {
	before, waiting := w.pending[path]
	switch {
	case same(w.known[path], info):
		delete(w.pending, path)
	case !waiting:
		w.pending[path] = pending{info: info, first: now, since: now}
	case !same(before.info, info):
		w.pending[path] = pending{info: info, first: before.first, since: now}
	}
}

func (w *watcher) take(now time.Time) bool {
	hurry := false
	for _, p := range w.pending {
		hurry = hurry || now.Sub(p.first) >= patience
	}
	for _, p := range w.pending {
		if !hurry && now.Sub(p.since) < stillness {
			return false
		}
	}
	taken := false
	for path, p := range w.pending {
		if now.Sub(p.since) < stillness {
			continue
		}
		taken = true
		delete(w.pending, path)
		if p.info == nil {
			delete(w.known, path)
		} else {
			w.known[path] = p.info
		}
	}
	return taken
}

func (w *watcher) files() []File {
	files := make([]File, 0, len(w.known))
	for path, info := range w.known {
		files = append(files, File{Path: path, Info: info})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

func index(listing Listing) map[string]fs.FileInfo {
	files := make(map[string]fs.FileInfo, len(listing.Files))
	for _, file := range listing.Files {
		files[file.Path] = file.Info
	}
	return files
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return File{Info: a}.Same(b)
}
