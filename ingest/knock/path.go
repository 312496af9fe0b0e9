// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDBytes bounds an ID in a path.
const MaxIDBytes = 256

// IDError says why an ID cannot stand in a path. It does not repeat the ID, which may be personal.
type IDError struct {
	// Field is what the ID names: user, fromUser, object, collection, tenant, audience, workflow or bulkOperation.
	Field string
	// Reason completes "the ID …", such as "is empty".
	Reason string
}

func (e *IDError) Error() string { return e.Field + " id " + e.Reason }

// CheckID returns an *IDError, without a Field, unless id can stand in a path of Knock's API: 1 to 256 bytes of valid
// UTF-8 without "/", "#" and control characters, and not "." or "..". Everything else is escaped.
func CheckID(id string) error { return checkID("", id) }

func checkID(field, id string) error {
	if reason := unusable(id); reason != "" {
		return &IDError{Field: field, Reason: reason}
	}
	return nil
}

// unusable returns why the ID is refused, or "".
func unusable(id string) string {
	switch {
	case id == "":
		return "is empty"
	case len(id) > MaxIDBytes:
		return fmt.Sprintf("has %d bytes; Knock takes at most %d", len(id), MaxIDBytes)
	case id == "." || id == "..":
		return fmt.Sprintf("is %q, which a URL takes for a folder", id)
	case strings.ContainsAny(id, "/#"):
		return "has a \"/\" or \"#\", which Knock does not take"
	case strings.ContainsFunc(id, unicode.IsControl):
		return "has a control character"
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	default:
		return ""
	}
}

// segment is one part of a path: a fixed word, or an ID and what it names.
type segment struct{ word, field, id string }

func word(text string) segment { return segment{word: text} }

func named(field, id string) segment { return segment{field: field, id: id} }

// join escapes the IDs and refuses those that could make the path another one.
func join(path []segment) (string, error) {
	var joined strings.Builder
	joined.WriteString("/v1")
	for _, part := range path {
		joined.WriteByte('/')
		if part.field == "" {
			joined.WriteString(part.word)
			continue
		}
		if err := checkID(part.field, part.id); err != nil {
			return "", err
		}
		joined.WriteString(escape(part.id))
	}
	return joined.String(), nil
}

// escape leaves letters, digits and a few marks that no server reads as more than themselves; "+" is not among them.
func escape(id string) string { return strings.ReplaceAll(url.PathEscape(id), "+", "%2B") }
