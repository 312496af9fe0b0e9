// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// printer writes sources and events to stdout. It is safe for concurrent use.
type printer struct {
	json   bool
	colour bool

	mu        sync.Mutex // guards the fields below
	out       io.Writer
	announced map[string]bool
}

func newPrinter(options Options) *printer {
	return &printer{
		json: options.Output == JSON, colour: options.Output == Text && isTerminal(options.Stdout),
		out: options.Stdout, announced: map[string]bool{},
	}
}

// isTerminal reports whether f is a terminal that shows colours.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// ready announces the sources that it has not announced yet.
func (p *printer) ready(configs []pipeline.Config, addresses addresses) {
	for _, source := range configs {
		ref := source.Document.Ref()
		if p.first(ref) {
			p.announce(source, addresses.url(ref))
		}
	}
}

// first reports whether the source has not been announced yet, and marks it as announced.
func (p *printer) first(ref string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.announced[ref]
	p.announced[ref] = true
	return first
}

func (p *printer) announce(source pipeline.Config, url string) {
	ref := source.Document.Ref()
	if p.json {
		p.line(struct {
			Kind   string `json:"kind"`
			Source string `json:"source"`
			URL    string `json:"url"`
		}{"ready", ref, url})
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n", p.paint(bold, ref+" is ready"), p.paint(cyan, url))
	if base, err := template.Load(source.Document.Type); err == nil {
		for i, step := range base.Steps(url) {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, step)
		}
	}
	if source.Credentials.APIKey == "" {
		b.WriteString("  There is no Knock API key, so Doorbell shows the calls and does not make them. Set KNOCK_API_KEY or add the Secret.\n")
	}
	p.write(b.String() + "\n")
}

// event writes an entry of the event log. In JSON, it writes final entries only.
func (p *printer) event(entry eventlog.Entry) {
	if !p.json {
		p.write(p.text(entry))
		return
	}
	if entry.Status.Final() {
		p.line(struct {
			Kind string `json:"kind"`
			eventlog.Entry
		}{"event", entry})
	}
}

func (p *printer) line(v any) {
	encoded, err := json.Marshal(v)
	if err != nil {
		encoded = []byte(`{"kind":"error","message":` + strconv.Quote(err.Error()) + `}`)
	}
	p.write(string(encoded) + "\n")
}

func (p *printer) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, text) // a closed pipe must not stop the deliveries
}

// text describes an event on several lines.
func (p *printer) text(entry eventlog.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s  %s", entry.ReceivedAt.Local().Format("15:04:05"), p.status(entry.Status),
		p.paint(bold, clean(entry.Type)), clean(entry.OrderingKey))
	if entry.Reason != "" {
		fmt.Fprintf(&b, "  (%s)", clean(entry.Reason))
	}
	b.WriteByte('\n')
	for _, note := range entry.Notes {
		fmt.Fprintf(&b, "    note: %s\n", clean(note))
	}
	for _, action := range entry.Actions {
		p.action(&b, action)
	}
	return b.String()
}

func (p *printer) action(b *strings.Builder, action eventlog.Action) {
	fmt.Fprintf(b, "  %s %s (%s)", p.status(action.Status), action.Mapping, action.Action)
	if action.Reason != "" {
		fmt.Fprintf(b, ": %s", clean(action.Reason))
	}
	b.WriteByte('\n')
	for _, request := range action.Requests {
		fmt.Fprintf(b, "      %s %s %s\n", request.Method, request.Path, outcome(request))
		if len(request.Body) > 0 {
			fmt.Fprintf(b, "      %s\n", clean(string(request.Body)))
		}
	}
	for _, note := range action.Notes {
		fmt.Fprintf(b, "      note: %s\n", clean(note))
	}
}

// outcome describes the response to a request.
func outcome(request eventlog.Request) string {
	switch {
	case request.At == nil:
		return "(not sent yet)"
	case request.Status == 0:
		return "→ " + clean(request.Response)
	default:
		return fmt.Sprintf("→ %d in %.0f ms", request.Status, float64(request.Took))
	}
}

// clean replaces the characters that could control a terminal, because senders choose the text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}

const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p *printer) status(status eventlog.Status) string {
	colours := map[eventlog.Status]string{
		eventlog.Succeeded: green, eventlog.DeadLettered: red, eventlog.Retrying: yellow,
		eventlog.Skipped: cyan, eventlog.Duplicate: cyan, eventlog.Received: cyan,
	}
	return p.paint(colours[status], string(status))
}

func (p *printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
