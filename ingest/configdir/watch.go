// SPDX-License-Identifier: Apache-2.0

package configdir

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

// lookEvery is how often the folder is looked at: a handful of stats, where a notification may be missed.
const lookEvery = 500 * time.Millisecond

// Watcher follows a folder.
type Watcher struct {
	folder  string
	now     func() time.Time
	log     logr.Logger
	problem atomic.Pointer[string]

	seen    string // stamp of the folder as it was last read whole; "" reads it again
	source  source
	running string // version that was sent last
}

// NewWatcher returns a watcher that does nothing until Run.
func NewWatcher(folder string, now func() time.Time, log logr.Logger) *Watcher {
	w := &Watcher{folder: folder, now: now, log: log}
	w.tell("the configuration is not read yet")
	return w
}

// Problem says why what lies in the folder does not run, or not all of it; "" when it does.
func (w *Watcher) Problem() string { return *w.problem.Load() }

// Run sends the source whenever what the folder says changes, until ctx ends. What cannot be read leaves the last one running.
func (w *Watcher) Run(ctx context.Context, updates chan<- []ingest.Source) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		source, problem, fresh := w.look()
		if fresh {
			select {
			case updates <- []ingest.Source{source}:
			case <-ctx.Done():
				return nil
			}
		}
		w.note(source, problem, fresh)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look reads the folder if it has changed, or a token has ended, since the last look.
func (w *Watcher) look() (served ingest.Source, problem string, fresh bool) {
	if stamp(w.folder) == w.seen && !w.source.expired(w.now()) {
		return served, w.Problem(), false
	}
	taken, mark, err := take(w.folder)
	if err != nil {
		w.seen = ""
		return served, err.Error(), false
	}
	w.seen = mark
	before, had := w.source.served()
	err = w.source.learn(taken, w.now())
	if errors.Is(err, document.ErrIncomplete) {
		w.seen = "" // the other half may be written within a tick of the files' clock
	}
	if err != nil {
		problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	served, runs := w.source.served()
	return served, problem, runs && (!had || !same(before, served))
}

// note tells of a problem, and logs what has changed.
func (w *Watcher) note(source ingest.Source, problem string, fresh bool) {
	if problem != "" && problem != w.Problem() {
		w.log.Info("cannot take all of the configuration; the last good one, if any, runs on", "problem", problem)
	}
	if fresh && source.Version != w.running {
		w.running = source.Version
		w.log.Info("configuration is served", "source", source.Document.Ref(), "version", source.Version)
	}
	w.tell(problem)
}

// same spares the running source a change that is none.
func same(a, b ingest.Source) bool {
	return a.Program == b.Program && a.Credentials.APIKey == b.Credentials.APIKey &&
		a.Credentials.Verification == b.Credentials.Verification && slices.Equal(a.Credentials.Tokens, b.Credentials.Tokens)
}

func (w *Watcher) tell(problem string) { w.problem.Store(&problem) }
