// SPDX-License-Identifier: Apache-2.0

package eventlog

import "github.com/doorbell-dev/doorbell/ingest/rawjson"

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
	o := rawjson.OpenObject(dst)
	o.Text("id", e.ID)
	o.Text("source", e.Source)
	o.Text("type", e.Type)
	o.OptionalText("key", e.Key)
	o.Text("orderingKey", e.OrderingKey)
	o.Time("receivedAt", &e.ReceivedAt)
	o.Time("finishedAt", e.FinishedAt)
	o.OptionalText("timestamp", e.Timestamp)
	o.Text("status", string(e.Status))
	o.OptionalText("reason", e.Reason)
	o.OptionalText("verification", e.Verification)
	o.OptionalText("duplicateOf", e.DuplicateOf)
	o.OptionalText("replayOf", e.ReplayOf)
	o.Texts("notes", e.Notes)
	o.Raw("payload", e.Payload)
	rawjson.AppendList(&o, "actions", e.Actions, (*Action).appendJSON)
	rawjson.AppendList(&o, "cut", e.Cut, (*Cut).appendJSON)
	return o.Close()
}

func (a *Action) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Text("mapping", a.Mapping)
	o.Text("action", a.Action)
	o.Text("status", string(a.Status))
	o.OptionalText("reason", a.Reason)
	o.Texts("notes", a.Notes)
	o.Number("attempts", int64(a.Attempts))
	rawjson.AppendList(&o, "requests", a.Requests, (*Request).appendJSON)
	return o.Close()
}

func (r *Request) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Text("method", r.Method)
	o.Text("path", r.Path)
	o.Raw("body", r.Body)
	o.OptionalNumber("status", int64(r.Status))
	o.OptionalText("response", r.Response)
	o.Time("at", r.At)
	o.OptionalDecimal("took", float64(r.Took))
	return o.Close()
}

func (c *Cut) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Text("field", c.Field)
	o.OptionalNumber("bytes", int64(c.Bytes))
	o.OptionalNumber("elements", int64(c.Elements))
	return o.Close()
}
