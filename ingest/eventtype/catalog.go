// SPDX-License-Identifier: Apache-2.0

// Package eventtype counts the event types of a source and keeps a sample of each, so that users see what a source
// sends and which types no mapping matches. The pipeline observes every accepted event, and the admin API lists the
// types. Each process adds its counts to Redis once a second. No decision may depend on the counts. A sender must never
// be able to use up memory: a source has at most 1,000 types, and each of them takes at most 5 KiB.
package eventtype

import (
	"bytes"
	"context"
	_ "embed" // embeds the script
	"sync"
	"time"
	"unicode/utf8"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
	"github.com/doorbell-dev/doorbell/ingest/redislua"
)

const (
	// maxTypes is the maximum number of types of a source in Redis, and of new types that a process counts between two
	// flushes.
	maxTypes = 1000
	// maxName is the maximum length of a type in bytes. The catalog counts events with a longer type as others.
	maxName = 256
	// maxSample is the maximum length of a sample in bytes. A longer one is cut.
	maxSample = 4 << 10
	// maxSampled is the maximum length of an event that is used as a sample. Redacting a longer one would take too much
	// time.
	maxSampled = 64 << 10
	// replaceAfter is the time without an event after which a new type may replace a type. It applies when the source
	// has maxTypes.
	replaceAfter = 24 * time.Hour
)

//go:embed lua/flush.lua
var flushSource string

// Catalog counts the event types of one source. Its methods are safe for concurrent use.
type Catalog struct {
	client rueidis.Client
	space  keyspace.Space
	script *rueidis.Lua

	mu       sync.Mutex
	pending  map[string]*seen    // counted since the last flush: all known types, and up to maxTypes new ones
	others   int64               // events of types that pending has no room for
	newTypes int                 // the number of types in pending that are not in known
	known    map[string]struct{} // up to maxTypes types that Redis has; new types never take their room
}

// seen holds the counts and the sample of one type since the last flush.
type seen struct {
	count       int64
	first, last int64 // ms since 1970
	sampled     bool  // whether a sample has been made, or is being made
	sample      []byte
	length      int // of the whole sample
}

// Open returns the catalog in the keyspace of the source's inbox. It does not call Redis.
func Open(client rueidis.Client, space keyspace.Space) *Catalog {
	return &Catalog{
		client: client, space: space, script: rueidis.NewLuaScript(redislua.Base() + flushSource), pending: map[string]*seen{},
		known: map[string]struct{}{},
	}
}

// Observe counts an event. The first event of a type after each flush becomes its sample, unless it is longer than 64
// KiB; redact returns the redacted event, or nil if the type must have no sample. Observe does not keep body. It takes
// about 0.1 µs for a type that has a sample, and it never calls Redis.
func (c *Catalog) Observe(eventType string, at time.Time, body []byte, redact func(body []byte) []byte) {
	if !c.count(eventType, at.UnixMilli()) || len(body) > maxSampled {
		return
	}
	sample := rawjson.Trim(redact(body))
	length := len(sample)
	if length > maxSample {
		sample = rawjson.Quote(string(beginning(sample, maxSample)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.pending[eventType]; s != nil { // no flush happened in the meantime
		s.sample, s.length = bytes.Clone(sample), length
	}
}

// count counts an event and reports whether its type needs a sample.
func (c *Catalog) count(eventType string, at int64) (needsSample bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.pending[eventType]
	if s == nil {
		if s = (&seen{first: at}); !c.add(eventType, s) {
			c.others++
			return false
		}
	}
	s.count, s.last = s.count+1, max(s.last, at)
	needsSample = !s.sampled
	s.sampled = true
	return needsSample
}

// add adds a type to c.pending and reports whether there was room for it. The caller holds c.mu.
func (c *Catalog) add(eventType string, s *seen) bool {
	if _, known := c.known[eventType]; !known {
		if len(eventType) > maxName || c.newTypes >= maxTypes {
			return false
		}
		c.newTypes++
	}
	c.pending[eventType] = s
	return true
}

// beginning returns the first n bytes of a text that is longer than n bytes, or a few bytes less, so that it does not
// split a character.
func beginning(text []byte, n int) []byte {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

const (
	flushInterval = time.Second
	flushTimeout  = 2 * time.Second
)

// Run flushes the counts every second until ctx ends, and then once more. If a flush fails, Run calls failed with the
// error, and the next flush includes the same counts.
func (c *Catalog) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			running = false
		}
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		if err := c.Flush(flush); err != nil {
			failed(err)
		}
		cancel()
	}
}
