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

// line is one line that a process wrote. The fields except Raw are set if the line is JSON.
type line struct {
	Raw  string `json:"-"`
	Kind string `json:"kind"`
	URL  string `json:"url"`
	eventlog.Entry
}

// output collects the lines that a process writes to stdout or stderr. A test can wait for a line.
type output struct {
	mu      sync.Mutex
	rest    []byte // the beginning of a line that is not complete yet
	lines   []line // only ever appended to
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(written []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, written...)
	for {
		raw, rest, complete := bytes.Cut(o.rest, []byte("\n"))
		if !complete {
			break
		}
		o.rest = rest
		o.lines = append(o.lines, parsed(string(raw)))
	}
	close(o.changed)
	o.changed = make(chan struct{})
	return len(written), nil
}

// parsed parses a line. A line that begins like JSON but is not JSON gets the kind "broken".
func parsed(raw string) line {
	var l line
	if strings.HasPrefix(raw, "{") && json.Unmarshal([]byte(raw), &l) != nil {
		l = line{Kind: "broken"}
	}
	l.Raw = raw
	return l
}

// linesSoFar returns the lines written so far, and a channel that is closed when the process writes more.
func (o *output) linesSoFar() ([]line, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines, o.changed
}

// await waits until enough returns true for the lines. It returns false if ctx ends first.
func (o *output) await(ctx context.Context, enough func([]line) bool) bool {
	for {
		lines, changed := o.linesSoFar()
		if enough(lines) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			lines, _ = o.linesSoFar()
			return enough(lines)
		}
	}
}

func (o *output) text() string {
	lines, _ := o.linesSoFar()
	var all strings.Builder
	for _, l := range lines {
		all.WriteString(l.Raw + "\n")
	}
	return all.String()
}

// events returns the lines that report a finished event.
func events(lines []line) []line {
	var found []line
	for _, l := range lines {
		if l.Kind == "event" {
			found = append(found, l)
		}
	}
	return found
}
