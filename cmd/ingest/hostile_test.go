// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector multiplies the memory and the time that this test measures.

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// hostileBodies returns bodies that are as large as possible, or that are expensive to parse or to evaluate. Each has
// the expected response status.
func hostileBodies() map[string]struct {
	body   string
	status int
} {
	const limit = 25 << 20
	fill := func(start, unit, end string, most int) string {
		return start + strings.Repeat(unit, (most-len(start)-len(end))/len(unit)) + end
	}
	event := func(fields string) string { return `{"type":"identify","userId":"hostile",` + fields + `}` }
	var keys strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&keys, `"k%d":0,`, i)
	}
	return map[string]struct {
		body   string
		status int
	}{
		"only opening brackets":             {strings.Repeat("[", limit), 400},
		"only opening braces":               {strings.Repeat(`{"a":`, limit/5), 400},
		"only spaces":                       {strings.Repeat(" ", limit), 400},
		"only quotes":                       {strings.Repeat(`"`, limit), 400},
		"only zero bytes":                   {strings.Repeat("\x00", limit), 400},
		"a number of 25 MiB":                {fill(event(`"traits":{"n":`)[:len(event(`"traits":{"n":`))-1], "9", "}}", limit), 200},
		"a huge exponent":                   {event(`"traits":{"n":1e999999999}`), 200},
		"a string of 25 MiB":                {fill(`{"type":"identify","userId":"hostile","traits":{"s":"`, "x", `"}}`, limit), 200},
		"a string of escapes":               {fill(`{"type":"identify","userId":"hostile","traits":{"s":"`, `\u0000`, `"}}`, limit), 200},
		"lone surrogates":                   {event(`"traits":{"s":"\ud800\ud800\udc00\udfff"}`), 200},
		"invalid UTF-8":                     {event("\"traits\":{\"s\":\"\xff\xfe\"}"), 400},
		"a million keys":                    {event(`"traits":{` + strings.TrimSuffix(keys.String(), ",") + `}`), 200},
		"the same key again and again":      {fill(`{"type":"identify","userId":"hostile","traits":{`, `"k":{},`, `"k":1}}`, 8<<20), 200},
		"100 levels":                        {event(`"traits":` + strings.Repeat(`{"a":`, 98) + "1" + strings.Repeat("}", 98)), 200},
		"an array of millions of numbers":   {fill(`{"type":"identify","userId":"hostile","traits":{"a":[`, "1,", "1]}}", limit), 200},
		"an array of millions of objects":   {fill(`{"type":"identify","userId":"hostile","traits":{"a":[`, "{},", "1]}}", limit), 200},
		"an event type of 20 MiB":           {fill(`{"type":"track","userId":"hostile","event":"`, "x", `"}`, 20<<20), 200},
		"a user ID of 20 MiB":               {fill(`{"type":"identify","userId":"`, "x", `"}`, 20<<20), 200},
		"a message ID of 20 MiB":            {fill(`{"type":"identify","userId":"hostile","messageId":"`, "x", `"}`, 20<<20), 200},
		"1,000 events of 25 KiB":            {"[" + strings.Repeat(fill(`{"type":"track","userId":"hostile","properties":"`, "x", `"}`, 25<<10)+",", 999) + "{}]", 200},
		"a million events":                  {"[" + strings.Repeat("{},", 1_000_000) + "{}]", 413},
		"an event without a type":           {`{"userId":"hostile"}`, 200},
		"an event whose type is an object":  {`{"type":{"type":"identify"},"userId":"hostile"}`, 200},
		"an event whose body is not closed": {`{"type":"identify","userId":"hostile","traits":{"a":`, 400},
	}
}

// TestHostileBodiesGetAResponseAndDoNotAffectOtherEvents sends hostile bodies to a process, plain and compressed, and
// checks after each that other events are still accepted.
func TestHostileBodiesGetAResponseAndDoNotAffectOtherEvents(t *testing.T) {
	// Without other load, each response takes less than a second. This limit allows for a slow disk.
	const slow, limit = answerLimit, 300
	knock := knocktest.New(t)
	p := startProcess(t, redistest.Start(t).Addr, knock.URL, knocktest.APIKey)
	for name, tc := range hostileBodies() {
		t.Run(name, func(t *testing.T) {
			for encoding, body := range map[string][]byte{"": []byte(tc.body), "gzip": compress(tc.body)} {
				start := time.Now()
				status, answer := p.send(encoding, body)
				took := time.Since(start)
				t.Logf("%q: status %d after %s", encoding, status, took)
				if status != tc.status {
					t.Errorf("%q: status %d: %.200s; want %d", encoding, status, answer, tc.status)
				}
				if took > slow {
					t.Errorf("%q: the response took %s", encoding, took)
				}
				if status, answer := p.post(identify(0, 100)); status != http.StatusOK {
					t.Errorf("another event got status %d: %s", status, answer)
				}
			}
		})
	}
	peak := p.peakMemory()
	t.Logf("at most %d MiB", peak)
	if peak > limit {
		t.Errorf("the process used %d MiB; want at most %d", peak, limit)
	}
}

func compress(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.Bytes()
}
