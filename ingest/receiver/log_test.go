// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) logger() logr.Logger {
	return funcr.NewJSON(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, line)
	}, funcr.Options{Verbosity: 9})
}

// line is the part of a log line that tests compare. Level is nil for errors.
type line struct {
	Level *int
	Msg   string
}

func (l *lines) read(t *testing.T) []line {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	read := make([]line, len(l.all))
	for i, text := range l.all {
		if err := json.Unmarshal([]byte(text), &read[i]); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, token) {
			t.Errorf("the log contains the token: %s", text)
		}
	}
	return read
}

func TestReceiverLogsOnlyTheStartAndTheEndOfFailures(t *testing.T) {
	log, b := new(lines), new(fakeInbox)
	answers := []error{inbox.ErrUnavailable, inbox.ErrUnavailable, nil, nil}
	requests := 0
	endpoint := b.endpoint(func(e *receiver.Endpoint) {
		e.Accept = func(ctx context.Context, events []*event.Event) ([]inbox.Receipt, error) {
			receipts, _ := b.accept(ctx, events)
			requests++
			return receipts, answers[requests-1] // the fifth call panics
		}
	})
	r := started(receiver.Options{Log: log.logger()}, endpoint)
	address := serve(t, r)
	for range len(answers) + 1 {
		send(t, address, sent{body: one, header: header("Referer", path)})
	}
	send(t, address, sent{path: path + "x", body: one})
	quiet, loud := 2, 0
	want := []line{
		{nil, "Rejecting events with status 429"},
		{&quiet, "Request rejected"},
		{&quiet, "Request rejected"},
		{&loud, "Accepting events again"},
		{nil, "Request failed"},
		{&quiet, "Request rejected"},
		{&loud, "Request rejected; senders such as RudderStack drop its events and do not retry"},
	}
	if diff := cmp.Diff(want, log.read(t)); diff != "" {
		t.Error(diff)
	}
}
