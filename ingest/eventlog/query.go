// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Query selects entries. An entry must match every field that is not zero. The fields are compared with the stored
// entry, which is redacted and in which long parts are cut.
type Query struct {
	// User is an ordering key, compared exactly.
	User string
	// Type is an event type as received, compared exactly.
	Type   string
	Status Status
	// Mapping is the name of a mapping that has an action in the entry.
	Mapping string
	// Text must occur in the payload, either exactly as given or with JSON escapes. The comparison is case-sensitive.
	Text string
	// Since and Until bound the time of the last change, with a precision of milliseconds. Until is exclusive.
	Since, Until time.Time

	// Limit is the maximum number of entries in a page; 0 means 100, and more than 1,000 means 1,000. Follow ignores
	// it.
	Limit int
	// Cursor is the Next of the previous page. Follow ignores it.
	Cursor string
}

// PageSize returns the maximum number of entries in a page.
func (q *Query) PageSize() int {
	if q.Limit <= 0 {
		return defaultLimit
	}
	return min(q.Limit, maxLimit)
}

// Selects reports whether the query selects an entry, apart from its time and status.
func (q *Query) Selects(e *Entry) bool {
	return (q.User == "" || q.User == e.OrderingKey) && (q.Type == "" || q.Type == e.Type) &&
		(q.Text == "" || containsText(e.Payload, q.Text)) &&
		(q.Mapping == "" || slices.ContainsFunc(e.Actions, func(a Action) bool { return a.Mapping == q.Mapping }))
}

// matches reports whether a record matches the query, apart from its time. It reads the JSON without decoding it.
func (q *Query) matches(record []byte) bool {
	if rawjson.KindOf(record) != rawjson.Object {
		return true // List shows that the record cannot be read
	}
	user, eventType, status, mapping, text := q.User == "", q.Type == "", q.Status == "", q.Mapping == "", q.Text == ""
	for key, value := range rawjson.Members(record) {
		switch string(key) {
		case `"type"`:
			eventType = eventType || is(value, q.Type)
		case `"orderingKey"`:
			user = user || is(value, q.User)
		case `"status"`:
			status = status || is(value, string(q.Status))
		case `"payload"`:
			text = text || containsText(value, q.Text)
		case `"actions"`:
			mapping = mapping || hasMapping(value, q.Mapping)
		}
	}
	return user && eventType && status && mapping && text
}

// is reports whether a JSON value is a string with this text.
func is(value []byte, text string) bool {
	if rawjson.KindOf(value) != rawjson.String {
		return false
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == text
	}
	return rawjson.Unquote(value) == text
}

func containsText(payload []byte, text string) bool {
	if bytes.Contains(payload, []byte(text)) {
		return true
	}
	quoted := rawjson.Quote(text)
	escaped := quoted[1 : len(quoted)-1]
	return len(escaped) != len(text) && bytes.Contains(payload, escaped)
}

func hasMapping(actions []byte, mapping string) bool {
	if rawjson.KindOf(actions) != rawjson.Array {
		return false
	}
	for action := range rawjson.Elements(actions) {
		if name, ok := rawjson.Lookup(action, []string{"mapping"}); ok && is(name, mapping) {
			return true
		}
	}
	return false
}

// position orders entries by the time of their last change, in milliseconds since 1970, and then by ID.
type position struct {
	ms int64
	id string
}

// compare returns a negative number if p is older than other.
func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.ms, other.ms), cmp.Compare(p.id, other.id))
}

// before reports whether p is older than other.
func (p position) before(other position) bool { return p.compare(other) < 0 }

// cursor returns the position as text, which parseCursor decodes.
func (p position) cursor() string { return strconv.FormatInt(p.ms, 36) + "-" + p.id }

// CursorError reports a cursor that List did not make.
type CursorError struct{ Cursor string }

// Error implements error. The text quotes the cursor and says which cursors are valid.
func (e *CursorError) Error() string {
	return fmt.Sprintf("event log: invalid cursor %q; use the cursor of the previous page, or no cursor for the newest entries", e.Cursor)
}

func parseCursor(cursor string) (position, error) {
	ms, id, ok := strings.Cut(cursor, "-")
	at, err := strconv.ParseInt(ms, 36, 64)
	if !ok || err != nil || at < 0 || id == "" {
		return position{}, &CursorError{cursor}
	}
	return position{at, id}, nil
}

// start returns the position at which a page begins. The page has only older entries. The error is a *CursorError.
func (q *Query) start() (position, error) {
	start := position{ms: math.MaxInt64}
	if !q.Until.IsZero() {
		start = position{ms: q.Until.UnixMilli()}
	}
	if q.Cursor == "" {
		return start, nil
	}
	cursor, err := parseCursor(q.Cursor)
	if err != nil || start.before(cursor) {
		return start, err
	}
	return cursor, nil
}
