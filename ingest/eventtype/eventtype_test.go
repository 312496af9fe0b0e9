// SPDX-License-Identifier: Apache-2.0

package eventtype_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventtype"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

var (
	at    = time.UnixMilli(1_750_000_000_123).UTC()
	space = keyspace.New("production/shop", 2)
)

func whole(body []byte) []byte { return body }

func unmapped(string) bool { return false }

func flush(t *testing.T, c *eventtype.Catalog) {
	t.Helper()
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, c *eventtype.Catalog) eventtype.Listing {
	t.Helper()
	listing, err := c.List(t.Context(), unmapped)
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

func TestTheTypesOfAllProcessesAreListed(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		first, second := eventtype.Open(client, space), eventtype.Open(client, space)
		second.Observe("track/a", at.Add(time.Minute), []byte(`{"n":1}`), whole)
		second.Observe("track/a", at.Add(2*time.Minute), []byte(`{"n":2}`), whole)
		first.Observe("track/a", at, []byte(`{"n":0,"h":"<&>"}`), func([]byte) []byte { return []byte("{ \"h\":\"<&>\",\n\"n\":\"[redacted]\" }") })
		first.Observe("identify", at.Add(time.Hour), nil, whole)
		first.Observe("", at, []byte(`{}`), func([]byte) []byte { return nil })
		flush(t, second)
		flush(t, first)
		flush(t, first)
		got, err := first.List(t.Context(), func(eventType string) bool { return eventType == "track/a" })
		if err != nil {
			t.Fatal(err)
		}
		sample := json.RawMessage("{ \"h\":\"<&>\",\n\"n\":\"[redacted]\" }")
		want := eventtype.Listing{Types: []eventtype.Type{
			{Name: "identify", Count: 1, First: at.Add(time.Hour), Last: at.Add(time.Hour)},
			{Name: "track/a", Count: 3, First: at, Last: at.Add(2 * time.Minute), Sample: sample, SampleBytes: len(sample), Mapped: true},
			{Name: "", Count: 1, First: at, Last: at},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantJSON := `{"type":"track/a","count":3,"first":"2025-06-15T15:06:40.123Z","last":"2025-06-15T15:08:40.123Z","mapped":true,"sample":` +
			string(sample) + `,"sampleBytes":` + strconv.Itoa(len(sample)) + `}`
		if text := string(got.AppendJSON(nil)); !strings.Contains(text, wantJSON) || !json.Valid([]byte(text)) {
			t.Errorf("as JSON: %s; want %s in it", text, wantJSON)
		}
	})
}

func TestAMillionTypesStayWithinTheBound(t *testing.T) {
	client := redistest.Start(t).Client(t)
	c := eventtype.Open(client, space)
	c.Observe("order", at, []byte(`{"n":1}`), whole)
	flush(t, c)
	const n, flushes = 100_000, 10
	long, body := strings.Repeat("x", 250), []byte(`{"text":"`+strings.Repeat("y", 60_000)+`"}`)
	cut := func(body []byte) []byte { return body[:5000] }
	for i := range n * flushes {
		c.Observe(strconv.Itoa(i)+long[:249], at, body, cut)
		if i%n == 0 {
			flush(t, c)
		}
	}
	c.Observe("order", at.Add(time.Minute), []byte(`{"n":2}`), whole)
	flush(t, c)
	listing := list(t, c)
	bytes := 0
	for _, t := range listing.Types {
		bytes += len(t.Name) + len(t.Sample)
	}
	if len(listing.Types) != 1000 || bytes > 5_000_000 {
		t.Errorf("%d types with %d bytes; want 1000 types and at most 5 MB", len(listing.Types), bytes)
	}
	if known := listing.Types[0]; known.Name != "order" || known.Count != 2 || string(known.Sample) != `{"n":2}` {
		t.Errorf("the first type is %.10s with %d events; want the one that was known before, with 2", known.Name, known.Count)
	}
	var counted int64
	for _, t := range listing.Types {
		counted += t.Count
	}
	if counted+listing.Others != n*flushes+2 {
		t.Errorf("%d events are counted; want %d", counted+listing.Others, n*flushes+2)
	}
}

func TestANewTypeReplacesOneThatWasNotSeenForADay(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		c := eventtype.Open(client, space)
		for i := range 1000 {
			c.Observe(strconv.Itoa(i), at.Add(time.Duration(i)*time.Second), nil, whole)
		}
		flush(t, c)
		c.Observe("too early", at.Add(23*time.Hour), nil, whole)
		flush(t, c)
		c.Observe("new", at.Add(24*time.Hour), nil, whole)
		flush(t, c)
		listing := list(t, c)
		names := map[string]bool{}
		for _, t := range listing.Types {
			names[t.Name] = true
		}
		if len(names) != 1000 || names["0"] || !names["1"] || !names["new"] || names["too early"] || listing.Others != 1 {
			t.Errorf("%d types; 0: %v, 1: %v, new: %v, too early: %v, others %d", len(names), names["0"], names["1"], names["new"], names["too early"], listing.Others)
		}
	})
}

func TestALongSampleIsCut(t *testing.T) {
	client := redistest.Start(t).Client(t)
	c := eventtype.Open(client, space)
	body := `{"text":"` + strings.Repeat("é", 3000) + `"}`
	c.Observe("long", at, []byte(body), whole)
	c.Observe("too long", at, []byte(`"`+strings.Repeat("x", 65<<10)+`"`), whole)
	c.Observe(strings.Repeat("x", 257), at, []byte(`{}`), whole)
	flush(t, c)
	listing := list(t, c)
	var beginning string
	if err := json.Unmarshal(listing.Types[0].Sample, &beginning); err != nil {
		t.Fatal(err)
	}
	if n := len(beginning); !strings.HasPrefix(body, beginning) || n > 4<<10 || n < 4<<10-1 || listing.Types[0].SampleBytes != len(body) {
		t.Errorf("a sample of %d bytes, of %d; want the first 4 KiB of %d bytes", n, listing.Types[0].SampleBytes, len(body))
	}
	if listing.Types[1].Sample != nil || listing.Others != 1 {
		t.Errorf("%+v, others %d; want no sample of an event over 64 KiB, and the long type among the others", listing.Types[1], listing.Others)
	}
}

func TestCountsOfAFailedFlushAreInTheNextOne(t *testing.T) {
	server := redistest.Start(t)
	c := eventtype.Open(server.Client(t), space)
	server.Kill()
	c.Observe("a", at, []byte(`{"n":1}`), whole)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Flush(ctx); err == nil {
		t.Fatal("Flush returned no error without Redis")
	}
	c.Observe("a", at.Add(time.Second), nil, func([]byte) []byte { return nil })
	server.Start()
	for c.Flush(t.Context()) != nil { // until the client has connected again
	}
	want := []eventtype.Type{{Name: "a", Count: 2, First: at, Last: at.Add(time.Second), Sample: json.RawMessage(`{"n":1}`), SampleBytes: 7}}
	if diff := cmp.Diff(want, list(t, c).Types); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunFlushesOnceMoreWhenItsContextEnds(t *testing.T) {
	c := eventtype.Open(redistest.Start(t).Client(t), space)
	c.Observe("a", at, nil, whole)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.Run(ended, func(err error) { t.Error(err) })
	if types := list(t, c).Types; len(types) != 1 || types[0].Count != 1 {
		t.Errorf("%+v; want the type a", types)
	}
}

func BenchmarkObserve(b *testing.B) {
	c := eventtype.Open(nil, space)
	body := []byte(`{"type":"track"}`)
	b.ReportAllocs()
	for b.Loop() {
		c.Observe("track/Order Completed", at, body, whole)
	}
}
