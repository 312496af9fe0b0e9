// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// line is one line that a process wrote; the fields are those of a line of JSON.
type line struct {
	Raw  string `json:"-"`
	Kind string `json:"kind"`
	URL  string `json:"url"`
	eventlog.Entry
}

// feed takes what a process writes to one of its outputs.
type feed struct {
	mu      sync.Mutex
	rest    []byte // of a line that is not whole yet
	lines   []line // only ever appended to
	changed chan struct{}
}

func newFeed() *feed { return &feed{changed: make(chan struct{})} }

func (f *feed) Write(written []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rest = append(f.rest, written...)
	for {
		raw, rest, whole := bytes.Cut(f.rest, []byte("\n"))
		if !whole {
			break
		}
		f.rest = rest
		f.lines = append(f.lines, parsed(string(raw)))
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return len(written), nil
}

func parsed(raw string) line {
	var l line
	if strings.HasPrefix(raw, "{") && json.Unmarshal([]byte(raw), &l) != nil {
		l = line{Kind: "broken"}
	}
	l.Raw = raw
	return l
}

// sofar is what was written, and a channel that is closed when there is more.
func (f *feed) sofar() ([]line, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lines, f.changed
}

// await returns true once enough says so of the lines, false when ctx ends before.
func (f *feed) await(ctx context.Context, enough func([]line) bool) bool {
	for {
		lines, changed := f.sofar()
		if enough(lines) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			lines, _ = f.sofar()
			return enough(lines)
		}
	}
}

func (f *feed) text() string {
	lines, _ := f.sofar()
	var all strings.Builder
	for _, l := range lines {
		all.WriteString(l.Raw + "\n")
	}
	return all.String()
}

// events are the final statuses among the lines.
func events(lines []line) []line {
	var found []line
	for _, l := range lines {
		if l.Kind == "event" {
			found = append(found, l)
		}
	}
	return found
}
