// SPDX-License-Identifier: Apache-2.0

package eventtype

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Type is one event type of a source.
type Type struct {
	// Name is the type as received. It is empty for events whose type cannot be read.
	Name  string
	Count int64
	// First and Last are the times at which the first and the latest event were received.
	First, Last time.Time
	// Sample is the payload of a recent event, redacted like the payloads in the event log. It is nil if the source
	// omits payloads, or if all events were longer than 64 KiB.
	Sample json.RawMessage
	// SampleBytes is the length of the whole sample. If it is more than 4 KiB, Sample is a JSON string with its first 4
	// KiB.
	SampleBytes int
	// Mapped reports whether a mapping matches the type.
	Mapped bool
}

// Listing lists the event types that a source has sent.
type Listing struct {
	// Types are sorted by Last, the latest first. There are at most 1,000.
	Types []Type
	// Others is the number of events whose type is not among Types: it was longer than 256 bytes, or there were too
	// many types. A new type replaces the one that was seen least recently, but only if that was more than a day ago.
	Others int64
}

// List returns the types that all processes have counted, up to the last flush of each process. mapped reports whether
// a mapping matches a type. List reads at most 5 MiB from Redis.
func (c *Catalog) List(ctx context.Context, mapped func(eventType string) bool) (Listing, error) {
	fields, err := c.client.Do(ctx, c.client.B().Hgetall().Key(c.space.EventTypes()).Build()).AsStrMap()
	if err != nil {
		return Listing{}, fmt.Errorf("event types: list: %w", err)
	}
	var listing Listing
	for field, record := range fields {
		name, ok := strings.CutPrefix(field, "=")
		if !ok {
			listing.Others, err = strconv.ParseInt(record, 10, 64)
		} else {
			var t Type
			t, err = parse(name, record)
			t.Mapped = mapped(name)
			listing.Types = append(listing.Types, t)
		}
		if err != nil {
			return Listing{}, fmt.Errorf("event types: stored type %q: %w", name, err)
		}
	}
	slices.SortFunc(listing.Types, func(a, b Type) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Name, b.Name))
	})
	return listing, nil
}

// parse decodes the record of a type, in the format that flush.lua stores.
func parse(name, record string) (Type, error) {
	parts := strings.SplitN(record, " ", 5)
	if len(parts) != 5 {
		return Type{}, fmt.Errorf("%d parts instead of 5", len(parts))
	}
	var numbers [4]int64
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return Type{}, err
		}
	}
	t := Type{
		Name: name, Count: numbers[0], First: time.UnixMilli(numbers[1]).UTC(), Last: time.UnixMilli(numbers[2]).UTC(),
		SampleBytes: int(numbers[3]),
	}
	if parts[4] != "" {
		t.Sample = json.RawMessage(parts[4])
	}
	return t, nil
}

// AppendJSON appends the listing as JSON to dst: an object with types and others. Unlike encoding/json, it keeps the
// exact bytes of samples.
func (l *Listing) AppendJSON(dst []byte) []byte {
	types := make([][]byte, len(l.Types))
	for i := range l.Types {
		types[i] = l.Types[i].json()
	}
	var b rawjson.Builder
	b.Add("types", rawjson.List(types))
	b.Add("others", strconv.AppendInt(nil, l.Others, 10))
	return append(dst, b.Bytes()...)
}

func (t *Type) json() []byte {
	var b rawjson.Builder
	b.Add("type", rawjson.Quote(t.Name))
	b.Add("count", strconv.AppendInt(nil, t.Count, 10))
	b.Add("first", rawjson.Quote(t.First.Format(time.RFC3339Nano)))
	b.Add("last", rawjson.Quote(t.Last.Format(time.RFC3339Nano)))
	b.Add("mapped", strconv.AppendBool(nil, t.Mapped))
	if len(t.Sample) > 0 {
		b.Add("sample", t.Sample)
		b.Add("sampleBytes", strconv.AppendInt(nil, int64(t.SampleBytes), 10))
	}
	return b.Bytes()
}
