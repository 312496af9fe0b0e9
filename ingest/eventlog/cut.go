// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// maxRecord is the maximum length of one record in bytes.
const maxRecord = 64 << 10

// cutLimits are the limits that encodeCut tries one after another. The last ones always suffice: four actions with four
// requests each stay below 32 KiB, even if every character needs an escape of six bytes.
var cutLimits = []cutLimit{{32 << 10, 1024}, {16 << 10, 256}, {4 << 10, 64}, {1 << 10, 32}, {256, 16}, {32, 4}}

// cutLimit bounds each part of an entry: the bytes of a text or of JSON, and the elements of a list.
type cutLimit struct{ bytes, elements int }

// uncut is a limit that cuts nothing.
var uncut = cutLimit{math.MaxInt, math.MaxInt}

// encodeCut returns the record of an entry whose whole JSON is too long.
func encodeCut(entry Entry) (record []byte) {
	for _, limit := range cutLimits {
		if limit.minSize(&entry) > maxRecord {
			continue
		}
		shortened := limit.entry(entry)
		if record = shortened.AppendJSON(nil); len(record) <= maxRecord {
			break
		}
	}
	return record
}

// minSize returns a lower bound of the length of the entry's JSON after its parts are cut.
func (l cutLimit) minSize(e *Entry) int {
	size := l.length(e.Type, e.Key, e.OrderingKey, e.Timestamp, e.Reason) + min(len(e.Payload), l.bytes)
	size += l.length(e.Notes[:min(len(e.Notes), l.elements)]...)
	for i := range e.Actions[:min(len(e.Actions), l.elements)] {
		a := &e.Actions[i]
		size += len(a.Mapping) + l.length(a.Reason)
		for j := range a.Requests[:min(len(a.Requests), l.elements)] {
			r := &a.Requests[j]
			size += l.length(r.Path, r.Response) + min(len(r.Body), l.bytes)
		}
	}
	return size
}

// length returns the total length of the texts after each of them is cut.
func (l cutLimit) length(texts ...string) (length int) {
	for _, text := range texts {
		length += min(len(text), l.bytes)
	}
	return length
}

// entry returns a copy of an entry with its parts cut.
func (l cutLimit) entry(e Entry) Entry {
	c := cutter{cutLimit: l}
	c.text("type", &e.Type)
	c.text("key", &e.Key)
	c.text("orderingKey", &e.OrderingKey)
	c.text("timestamp", &e.Timestamp)
	c.text("reason", &e.Reason)
	c.texts("notes", &e.Notes)
	c.json("payload", &e.Payload)
	cutList(&c, "actions", &e.Actions)
	for i := range e.Actions {
		c.action("actions."+strconv.Itoa(i)+".", &e.Actions[i])
	}
	e.Cut = c.cut
	return e
}

// cutter cuts the parts of an entry and lists the parts that it has cut.
type cutter struct {
	cutLimit
	cut []Cut
}

func (c *cutter) action(path string, a *Action) {
	c.text(path+"reason", &a.Reason)
	c.texts(path+"notes", &a.Notes)
	cutList(c, path+"requests", &a.Requests)
	for i := range a.Requests {
		r, path := &a.Requests[i], path+"requests."+strconv.Itoa(i)+"."
		c.text(path+"path", &r.Path)
		c.json(path+"body", &r.Body)
		c.text(path+"response", &r.Response)
	}
}

func (c *cutter) text(field string, text *string) {
	if length := len(*text); length > c.bytes {
		*text = beginning(*text, c.bytes)
		c.cut = append(c.cut, Cut{Field: field, Bytes: length})
	}
}

func (c *cutter) texts(field string, texts *[]string) {
	cutList(c, field, texts)
	for i := range *texts {
		c.text(field+"."+strconv.Itoa(i), &(*texts)[i])
	}
}

// json replaces JSON that is too long by a JSON string that holds its first bytes, so that the record stays valid JSON.
func (c *cutter) json(field string, value *json.RawMessage) {
	if length := len(*value); length > c.bytes {
		*value = rawjson.Quote(beginning(string((*value)[:c.bytes+1]), c.bytes))
		c.cut = append(c.cut, Cut{Field: field, Bytes: length})
	}
}

// cutList replaces a list by a copy. If the list is too long, the copy has only its first elements.
func cutList[T any](c *cutter, field string, list *[]T) {
	length := len(*list)
	if length > c.elements {
		c.cut = append(c.cut, Cut{Field: field, Elements: length})
	}
	*list = append([]T(nil), (*list)[:min(length, c.elements)]...)
}

// beginning returns the first n bytes of a text that is longer than n bytes, or a few bytes less, so that it does not
// split a character.
func beginning(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
