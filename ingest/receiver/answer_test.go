// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

const one = `{"type":"identify"}`

func TestEachRequestGetsItsStatus(t *testing.T) {
	const mib25 = 25 << 20
	pad := func(size int) string { return one + strings.Repeat(" ", size-len(one)) }
	nested := func(n int) string {
		return `{"type":"x","a":` + strings.Repeat(`[`, n-1) + strings.Repeat("]", n-1) + "}"
	}
	accepted := answer{200, `{"accepted":1,"duplicates":0}`}
	notFound := rejected(404, "not_found", "no source has this URL")
	wrongMethod := rejected(405, "method_not_allowed", "use one of the methods POST, PUT, PATCH")
	tooLarge := rejected(413, "body_too_large", "the body is larger than 25 MiB")
	tooLargeInside := rejected(413, "body_too_large", "the decompressed body is larger than 25 MiB")
	invalid := func(message string) answer { return rejected(400, "invalid_body", message) }
	gzipped := header("Content-Encoding", "gzip")
	address := serve(t, started(receiver.Options{}, new(fakeInbox).endpoint()))

	for name, tc := range map[string]struct {
		sent sent
		want answer
	}{
		"an object":                            {sent{body: one}, accepted},
		"a duplicate":                          {sent{body: `{"type":"x","seen":1}`}, answer{200, `{"accepted":0,"duplicates":1}`}},
		"an array with a duplicate":            {sent{body: `[` + one + `,{"type":"x","seen":1},` + one + `]`}, answer{200, `{"accepted":2,"duplicates":1}`}},
		"PUT":                                  {sent{method: "PUT", body: one}, accepted},
		"PATCH":                                {sent{method: "PATCH", body: one}, accepted},
		"JSON that claims to be XML":           {sent{body: one, header: header("Content-Type", "application/xml")}, accepted},
		"no content type":                      {sent{body: one, header: header()}, accepted},
		"a query":                              {sent{path: path + "?a=1", body: one}, accepted},
		"the other token":                      {sent{path: "/production/rudderstack/another", body: one}, accepted},
		"a path with needless escapes":         {sent{path: "/%70roduction/rudderstack/" + token, body: one}, accepted},
		"chunks":                               {sent{body: one, chunked: true}, accepted},
		"gzip":                                 {sent{body: zip(one), header: gzipped}, accepted},
		"gzip in chunks":                       {sent{body: zip(one), header: gzipped, chunked: true}, accepted},
		"gzip of several members":              {sent{body: zip(one[:5], "", one[5:]), header: gzipped}, accepted},
		"gzip by its old name and in a list":   {sent{body: zip(one), header: header("Content-Encoding", "identity, X-GZIP")}, accepted},
		"identity as the content encoding":     {sent{body: one, header: header("Content-Encoding", "identity")}, accepted},
		"25 MiB":                               {sent{body: pad(mib25)}, accepted},
		"25 MiB in chunks":                     {sent{body: pad(mib25), chunked: true}, accepted},
		"25 MiB after decompression":           {sent{body: zip(pad(mib25)), header: gzipped}, accepted},
		"1,000 events":                         {sent{body: "[" + strings.Repeat(one+",", 999) + one + "]"}, answer{200, `{"accepted":1000,"duplicates":0}`}},
		"nesting of 100":                       {sent{body: nested(100)}, accepted},
		"an empty body":                        {sent{}, invalid("the body is empty; send a JSON object or an array of them")},
		"an empty body that claims to be gzip": {sent{header: gzipped}, invalid("the body is empty; send a JSON object or an array of them")},
		"a body that is not JSON":              {sent{body: "a=1"}, invalid(`the body is not JSON at byte 0: unexpected 'a', expected a value`)},
		"a number":                             {sent{body: "1"}, invalid("the body is a number; send a JSON object or an array of them")},
		"an element that is not an object":     {sent{body: "[" + one + ",null]"}, invalid("element 1 of the array is null; each must be an object")},
		"trailing garbage":                     {sent{body: one + "x"}, invalid("the body is not JSON at byte 19: unexpected 'x' after the value")},
		"nesting of 101":                       {sent{body: nested(101)}, invalid("the body is nested more than 100 levels deep at byte 115")},
		"an event without a readable type":     {sent{body: "{}"}, accepted},
		"plain text that claims to be gzip":    {sent{body: one, header: gzipped}, invalid("the body is not gzip, although its Content-Encoding says so")},
		"incomplete gzip":                      {sent{body: zip(one)[:20], header: gzipped}, invalid("the gzip body is damaged: unexpected EOF")},
		"gzip with trailing garbage":           {sent{body: zip(one) + "x", header: gzipped}, invalid("the gzip body is damaged: unexpected EOF")},
		"gzip with a wrong checksum":           {sent{body: zip(one)[:len(zip(one))-8] + "01234567", header: gzipped}, invalid("the gzip body is damaged: gzip: invalid checksum")},
		"an unknown path":                      {sent{path: "/", body: one}, notFound},
		"an unknown source":                    {sent{path: "/production/other/" + token, body: one}, notFound},
		"an unknown namespace":                 {sent{path: "/staging/rudderstack/" + token, body: one}, notFound},
		"a wrong token":                        {sent{path: path + "x", body: one}, notFound},
		"no token":                             {sent{path: "/production/rudderstack/", body: one}, notFound},
		"a trailing slash":                     {sent{path: path + "/", body: one}, accepted},
		"two trailing slashes":                 {sent{path: path + "//", body: one}, notFound},
		"no token and a trailing slash":        {sent{path: "/production/rudderstack//", body: one}, notFound},
		"a doubled slash":                      {sent{path: "/production//rudderstack/" + token, body: one}, notFound},
		"a doubled slash at the start":         {sent{path: "/" + path, body: one}, notFound},
		"an encoded slash":                     {sent{path: "/production%2Frudderstack/" + token, body: one}, notFound},
		"dot segments":                         {sent{path: "/x/.." + path, body: one}, notFound},
		"another case":                         {sent{path: strings.ToUpper(path), body: one}, notFound},
		"GET":                                  {sent{method: "GET"}, wrongMethod},
		"DELETE":                               {sent{method: "DELETE"}, wrongMethod},
		"OPTIONS":                              {sent{method: "OPTIONS"}, wrongMethod},
		"a method in lower case":               {sent{method: "post", body: one}, wrongMethod},
		"an unknown content encoding":          {sent{body: one, header: header("Content-Encoding", "br")}, rejected(415, "unsupported_encoding", "the Content-Encoding is not supported; send the body plain or as gzip")},
		"gzip twice":                           {sent{body: zip(zip(one)), header: header("Content-Encoding", "gzip", "Content-Encoding", "gzip")}, rejected(415, "unsupported_encoding", "the body is encoded more than once; send it plain or as gzip")},
		"over 25 MiB":                          {sent{body: pad(mib25 + 1)}, tooLarge},
		"over 25 MiB in chunks":                {sent{body: pad(mib25 + 1), chunked: true}, tooLarge},
		"over 25 MiB after decompression":      {sent{body: zip(pad(mib25 + 1)), header: gzipped}, tooLargeInside},
		"64 MiB after decompression":           {sent{body: zip(strings.Repeat(" ", 64<<20)), header: gzipped}, tooLargeInside},
		"1,001 events":                         {sent{body: "[" + strings.Repeat(one+",", 1000) + one + "]"}, rejected(413, "too_many_events", "1001 events in one request; send at most 1000")},
		"1,000 events with large headers":      {sent{body: "[" + strings.Repeat(one+",", 999) + one + "]", header: header("X", strings.Repeat("x", 30000))}, rejected(413, "headers_too_large", "the headers are too large to store them with each of 1000 events; send fewer events in one request")},
	} {
		t.Run(name, func(t *testing.T) {
			got, headers := send(t, address, tc.sent)
			check(t, tc.want, got)
			if kind := headers.Get("Content-Type"); kind != "application/json" {
				t.Errorf("Content-Type is %q", kind)
			}
			if allow := headers.Get("Allow"); (got.Status == http.StatusMethodNotAllowed) != (allow == "POST, PUT, PATCH") {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
}

func TestTemporaryErrorsGetStatus429(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*receiver.Endpoint)
		want   answer
	}{
		"the queue is full":           {acceptFails(&inbox.FullError{Limit: inbox.LimitQueue}), rejected(429, "queue_full", "too many events are waiting for delivery; retry later")},
		"the memory is full":          {acceptFails(fmt.Errorf("x: %w", &inbox.FullError{Limit: inbox.LimitRedisMemory})), rejected(429, "memory_full", "the memory for events is full; retry later")},
		"Redis is unavailable":        {acceptFails(fmt.Errorf("%w: secret details", inbox.ErrUnavailable)), rejected(429, "unavailable", "events cannot be stored at the moment; retry later")},
		"Redis is too slow":           {acceptFails(context.DeadlineExceeded), rejected(429, "unavailable", "events cannot be stored at the moment; retry later")},
		"a panic in Accept":           {func(e *receiver.Endpoint) { e.Accept = nil }, rejected(429, "internal", "internal error; retry later")},
		"a panic in Identify":         {func(e *receiver.Endpoint) { e.Identify = nil }, rejected(429, "internal", "internal error; retry later")},
		"a panic in RecordDuplicates": {func(e *receiver.Endpoint) { e.RecordDuplicates = panics }, rejected(429, "internal", "internal error; retry later")},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, started(receiver.Options{}, new(fakeInbox).endpoint(tc.change)))
			for range 2 { // the second request shows that the connection and the count of requests in flight are intact
				got, _ := send(t, address, sent{body: `{"type":"x","seen":1}`})
				check(t, tc.want, got)
			}
		})
	}
}

func panics(context.Context, []*event.Event, []inbox.Receipt) { panic("test") }

func TestDuplicatesAreRecordedBeforeTheResponse(t *testing.T) {
	b := new(fakeInbox)
	address := serve(t, started(receiver.Options{}, b.endpoint()))
	send(t, address, sent{body: `[{"type":"x","seen":1},` + one + `]`})
	if b.duplicates != 1 {
		t.Errorf("%d duplicates recorded, want 1", b.duplicates)
	}
}

func TestEndpointWithoutTokensIsNotFound(t *testing.T) {
	for name, tokens := range map[string][]string{"none": nil, "an empty one": {""}} {
		t.Run(name, func(t *testing.T) {
			r := started(receiver.Options{}, new(fakeInbox).endpoint(func(e *receiver.Endpoint) { e.Tokens = tokens }))
			got, _ := send(t, serve(t, r), sent{path: "/production/rudderstack/", body: one})
			check(t, rejected(404, "not_found", "no source has this URL"), got)
		})
	}
}
