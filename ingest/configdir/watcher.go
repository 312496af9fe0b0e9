// SPDX-License-Identifier: Apache-2.0

// Package configdir reads the configuration directory of an ingest pod: the compiled document, the tokens of the
// ingestion URL, and the secrets. cmd/ingest runs a Watcher, which sends each change to package ingest. A broken or
// incomplete version must never replace a good one: the last good version keeps running.
package configdir

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// pollEvery is the time between two polls of the directory. Polling costs a few stat calls. File system notifications
// are not used, because they can be lost.
const pollEvery = 500 * time.Millisecond

// Watcher watches a configuration directory.
type Watcher struct {
	directory string
	now       func() time.Time
	log       logr.Logger
	problem   atomic.Pointer[string]

	fingerprint string // of the last complete read of the directory; "" makes the next poll read it again
	state       state
	version     string // of the document that was sent last
}

// NewWatcher returns a watcher that does nothing until Run. now is the wall clock, which decides when a token expires.
func NewWatcher(directory string, now func() time.Time, log logr.Logger) *Watcher {
	w := &Watcher{directory: directory, now: now, log: log}
	w.setProblem("the configuration is not read yet")
	return w
}

// Problem returns why the process does not run the whole content of the directory, or "" if it does. It is safe for
// concurrent use.
func (w *Watcher) Problem() string { return *w.problem.Load() }

func (w *Watcher) setProblem(problem string) { w.problem.Store(&problem) }

// Run sends the configuration of the source whenever it changes, until ctx ends. It sends nothing while the directory
// cannot be read, so that the last configuration keeps running. It always returns nil.
func (w *Watcher) Run(ctx context.Context, updates chan<- []pipeline.Config) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		config, problem, changed := w.poll()
		if changed {
			select {
			case updates <- []pipeline.Config{config}:
			case <-ctx.Done():
				return nil
			}
		}
		w.record(config, problem, changed)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// poll reads the directory if it has changed since the last poll, or if a token or a secret has expired. changed
// reports whether the configuration differs from the last one; config is valid only then.
func (w *Watcher) poll() (config pipeline.Config, problem string, changed bool) {
	if fingerprint(w.directory) == w.fingerprint && !w.state.expired(w.now()) {
		return config, w.Problem(), false
	}
	files, mark, err := readSnapshot(w.directory)
	if err != nil {
		w.fingerprint = ""
		return config, err.Error(), false
	}
	w.fingerprint = mark
	before, hadConfig := w.state.config()
	err = w.state.update(files, w.now())
	if errors.Is(err, document.ErrIncomplete) {
		w.fingerprint = "" // the missing part may be written so soon that the fingerprint stays the same
	}
	if err != nil {
		problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	config, ok := w.state.config()
	return config, problem, ok && (!hadConfig || !same(before, config))
}

// record stores the problem for Problem. It logs a new problem and a new version of the document.
func (w *Watcher) record(config pipeline.Config, problem string, changed bool) {
	if problem != "" && problem != w.Problem() {
		w.log.Info("Configuration not applied completely; the last good version, if any, keeps running", "problem", problem)
	}
	if changed && config.Version != w.version {
		w.version = config.Version
		w.log.Info("Configuration applied", "source", config.Document.Ref(), "version", config.Version)
		// Compiling 10,000 mappings allocates ten times the memory that they occupy afterwards.
		debug.FreeOSMemory()
	}
	w.setProblem(problem)
}

// same reports whether two configurations are equal, so that a changed file without a changed configuration has no
// effect on the running source.
func same(a, b pipeline.Config) bool {
	return a.Program == b.Program && a.Credentials.APIKey == b.Credentials.APIKey &&
		a.Credentials.Verification == b.Credentials.Verification &&
		a.Credentials.FormerVerification == b.Credentials.FormerVerification &&
		slices.Equal(a.Credentials.Tokens, b.Credentials.Tokens)
}
