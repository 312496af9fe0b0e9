// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/doorbell-dev/doorbell/ingest"
)

// lookEvery is how often the folder is looked at: a handful of stats, where a notification may be missed.
const lookEvery = 500 * time.Millisecond

// Watcher follows a folder.
type Watcher struct {
	folder  string
	now     func() time.Time
	log     logr.Logger
	problem atomic.Pointer[string]
	seen    [sha256.Size]byte
}

// NewWatcher returns a watcher that does nothing until Run.
func NewWatcher(folder string, now func() time.Time, log logr.Logger) *Watcher {
	w := &Watcher{folder: folder, now: now, log: log}
	w.tell("the configuration is not read yet")
	return w
}

// Problem says why what lies in the folder does not run; "" when it does.
func (w *Watcher) Problem() string { return *w.problem.Load() }

// Run sends the source whenever what the folder says changes, until ctx ends. What cannot be read leaves the last one running.
func (w *Watcher) Run(ctx context.Context, updates chan<- []ingest.Source) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if source, fresh := w.look(); fresh {
			select {
			case updates <- []ingest.Source{source}:
				w.tell("")
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look reads the folder where it changed since the last look.
func (w *Watcher) look() (source ingest.Source, fresh bool) {
	state := w.state()
	if state == w.seen {
		return source, false
	}
	source, err := Read(w.folder, w.now())
	if err != nil {
		if w.Problem() != err.Error() {
			w.log.Info("cannot take the configuration; the last good one, if any, runs on", "problem", err.Error())
		}
		w.tell(err.Error())
		return source, false
	}
	w.seen = state
	return source, true
}

// state is a hash over names, sizes and times of all files, and over which tokens are valid by now.
func (w *Watcher) state() (state [sha256.Size]byte) {
	hash := sha256.New()
	_ = filepath.WalkDir(w.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what goes away meanwhile is seen by the next look
		}
		if info, err := os.Stat(path); err == nil { // through kubelet's links
			hash.Write([]byte(path + "\x00" + info.ModTime().String() + "\x00" + info.Mode().String() + "\x00"))
			hash.Write([]byte{byte(info.Size()), byte(info.Size() >> 8), byte(info.Size() >> 16)})
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			if target, err := os.Readlink(path); err == nil {
				hash.Write([]byte(target))
			}
		}
		return nil
	})
	if found, err := credentials(w.folder, w.now()); err == nil {
		hash.Write([]byte{byte(len(found.Tokens))})
	}
	hash.Sum(state[:0])
	return state
}

func (w *Watcher) tell(problem string) { w.problem.Store(&problem) }
