// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Encode returns the record that the log stores for an entry: its JSON, at most 64 KiB long. The methods of the inbox
// that finish an event take this record as an argument. Encode shortens the parts of a longer entry and lists them in
// Entry.Cut. It does not change its argument.
func Encode(entry Entry) []byte {
	if size := uncut.minSize(&entry); size <= maxRecord {
		names := 512 + 256*len(entry.Actions) // the names of the members and the short values
		if record := entry.AppendJSON(make([]byte, 0, size+size/8+names)); len(record) <= maxRecord {
			return record
		}
	}
	return encodeCut(entry)
}

// AppendJSON appends the entry as JSON to dst. The payload and the bodies of requests keep their exact bytes.
// encoding/json would remove white space from them and, by default, write < as \u003c. It also takes five times as
// long.
func (e *Entry) AppendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.text("id", e.ID)
	o.text("source", e.Source)
	o.text("type", e.Type)
	o.optional("key", e.Key)
	o.text("orderingKey", e.OrderingKey)
	o.time("receivedAt", &e.ReceivedAt)
	o.time("finishedAt", e.FinishedAt)
	o.optional("timestamp", e.Timestamp)
	o.text("status", string(e.Status))
	o.optional("reason", e.Reason)
	o.optional("verification", e.Verification)
	o.optional("duplicateOf", e.DuplicateOf)
	o.optional("replayOf", e.ReplayOf)
	o.texts("notes", e.Notes)
	o.raw("payload", e.Payload)
	appendList(&o, "actions", e.Actions, (*Action).appendJSON)
	appendList(&o, "cut", e.Cut, (*Cut).appendJSON)
	return append(o.buf, '}')
}

func (a *Action) appendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.text("mapping", a.Mapping)
	o.text("action", a.Action)
	o.text("status", string(a.Status))
	o.optional("reason", a.Reason)
	o.texts("notes", a.Notes)
	o.number("attempts", a.Attempts)
	appendList(&o, "requests", a.Requests, (*Request).appendJSON)
	return append(o.buf, '}')
}

func (r *Request) appendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.text("method", r.Method)
	o.text("path", r.Path)
	o.raw("body", r.Body)
	if r.Status != 0 {
		o.number("status", r.Status)
	}
	o.optional("response", r.Response)
	o.time("at", r.At)
	if r.Took != 0 {
		o.name("took")
		o.buf = strconv.AppendFloat(o.buf, float64(r.Took), 'f', -1, 64)
	}
	return append(o.buf, '}')
}

func (c *Cut) appendJSON(dst []byte) []byte {
	o := object{append(dst, '{')}
	o.text("field", c.Field)
	if c.Bytes != 0 {
		o.number("bytes", c.Bytes)
	}
	if c.Elements != 0 {
		o.number("elements", c.Elements)
	}
	return append(o.buf, '}')
}

// object writes the members of a JSON object. Names are constants that need no escape.
type object struct{ buf []byte }

func (o *object) name(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(append(append(o.buf, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.buf = rawjson.AppendQuote(o.buf, value)
}

// optional writes a text unless it is empty.
func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) texts(name string, values []string) {
	appendList(o, name, values, func(value *string, dst []byte) []byte { return rawjson.AppendQuote(dst, *value) })
}

func (o *object) number(name string, value int) {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, int64(value), 10)
}

// time writes a time unless it is nil.
func (o *object) time(name string, value *time.Time) {
	if value != nil {
		o.name(name)
		o.buf = append(value.AppendFormat(append(o.buf, '"'), time.RFC3339Nano), '"')
	}
}

// raw writes JSON unless it is empty.
func (o *object) raw(name string, value json.RawMessage) {
	if len(value) > 0 {
		o.name(name)
		o.buf = append(o.buf, value...)
	}
}

// appendList writes a list unless it is empty.
func appendList[T any](o *object, name string, list []T, appendElement func(element *T, dst []byte) []byte) {
	if len(list) == 0 {
		return
	}
	o.name(name)
	for i := range list {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		o.buf = appendElement(&list[i], append(o.buf, separator))
	}
	o.buf = append(o.buf, ']')
}
