// SPDX-License-Identifier: Apache-2.0

// Package inboxtest opens inboxes for the tests and benchmarks of the packages that use one. Only
// tests and the programs in test may import it.
package inboxtest

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// Source is the source whose inbox Open opens.
const Source = "production/rudderstack"

// Window is the dedupe window if the options set none.
const Window = 24 * time.Hour

// Open opens the inbox of Source. If the options set no dedupe window, the window is Window. If they set no log limits,
// the log keeps 1,000 events for a week. A second inbox with the same client behaves like the inbox of a second
// process.
func Open(tb testing.TB, client rueidis.Client, options inbox.Options) *inbox.Inbox {
	tb.Helper()
	if options.Limits.Window == 0 {
		options.Limits.Window = Window
	}
	if options.Limits.Log.MaxEvents == 0 {
		options.Limits.Log = eventlog.Limits{MaxEvents: 1000, Retention: 7 * 24 * time.Hour}
	}
	opened, err := inbox.Open(tb.Context(), client, Source, options)
	if err != nil {
		tb.Fatalf("open the inbox: %v", err)
	}
	return opened
}
