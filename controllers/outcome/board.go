// SPDX-License-Identifier: Apache-2.0

// Package outcome carries what became of each ActionMapping from the controller that compiles and rolls out a Source to the one
// that writes the mappings' status.
package outcome

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Verdict is what became of one generation of an ActionMapping.
type Verdict struct {
	// UID tells a mapping from a former one of its name.
	UID        types.UID
	Generation int64
	// Reason and Message say why the mapping is refused; Reason is empty when it is not.
	Reason, Message string
	// Warning says what works but may not be what was meant.
	Warning string
	// Live is the configuration version in which every pod first ran it; empty until then.
	Live string
	// Waits and Pending, a reason and a message, say what a mapping that is neither refused nor live waits for.
	Waits, Pending string
}

// Board holds the verdicts of every Source. The zero value is not usable; see NewBoard.
type Board struct {
	mu      sync.Mutex
	sources map[types.NamespacedName]map[string]Verdict
	notify  func(types.NamespacedName)
}

// NewBoard returns an empty board.
func NewBoard() *Board {
	return &Board{sources: map[types.NamespacedName]map[string]Verdict{}, notify: func(types.NamespacedName) {}}
}

// Notify has the function called for each mapping whose verdict changes from now on. It must not block.
func (b *Board) Notify(changed func(mapping types.NamespacedName)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify = changed
}

// Publish replaces the verdicts of a Source. A mapping that was live stays so in the version in which it first was, for as long
// as its generation stays the same.
func (b *Board) Publish(source types.NamespacedName, verdicts map[string]Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.sources[source]
	for name, verdict := range verdicts {
		if was := before[name]; was.UID == verdict.UID && was.Generation == verdict.Generation && was.Live != "" && verdict.Reason == "" {
			verdict.Live, verdict.Waits, verdict.Pending = was.Live, "", ""
			verdicts[name] = verdict
		}
	}
	b.sources[source] = verdicts
	for name, verdict := range verdicts {
		if was, known := before[name]; !known || was != verdict {
			b.notify(types.NamespacedName{Namespace: source.Namespace, Name: name})
		}
	}
}

// Drop forgets a Source that is gone.
func (b *Board) Drop(source types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sources, source)
}

// Of returns the verdict on a mapping; false before its Source was looked at.
func (b *Board) Of(source types.NamespacedName, mapping string) (Verdict, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	verdict, known := b.sources[source][mapping]
	return verdict, known
}
