// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDBytes is the maximum length of an ID in bytes.
const MaxIDBytes = 256

// IDError reports that Knock rejects an ID in a path. It does not contain the ID, which may be personal data.
type IDError struct {
	// Field says what the ID identifies: user, fromUser, object, collection, tenant, audience, workflow or
	// bulkOperation.
	Field string
	// Reason completes the sentence "the ID …", for example "is empty".
	Reason string
}

// Error implements error. The text contains the field and the reason, but not the ID.
func (e *IDError) Error() string { return e.Field + " ID " + e.Reason }

// CheckID returns an *IDError for the field if Knock rejects the ID, or nil. A valid ID has 1 to 256 bytes of UTF-8, is
// not "." or "..", and contains no "/", no "#" and no control character.
func CheckID(field, id string) error {
	if reason := invalidReason(id); reason != "" {
		return &IDError{Field: field, Reason: reason}
	}
	return nil
}

// invalidReason returns why Knock rejects the ID, or "" if Knock accepts it.
func invalidReason(id string) string {
	switch {
	case id == "":
		return "is empty"
	case len(id) > MaxIDBytes:
		return fmt.Sprintf("has %d bytes; Knock accepts at most %d", len(id), MaxIDBytes)
	case id == "." || id == "..":
		return fmt.Sprintf("is %q, which has a special meaning in a URL", id)
	case strings.ContainsAny(id, "/#"):
		return `contains "/" or "#", which Knock does not accept`
	case strings.ContainsFunc(id, unicode.IsControl):
		return "contains a control character"
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	default:
		return ""
	}
}

// maxShortID is a length in bytes that most IDs do not exceed. fillPath reserves this much memory for each ID, so that
// the path is seldom copied while it grows.
const maxShortID = 40

// fillPath replaces the placeholders of a path, such as {user}, with IDs. It checks and escapes each ID, so that no ID
// can turn the path into another one.
func fillPath(pattern string, ids []string) (string, error) {
	var path strings.Builder
	path.Grow(len(pattern) + maxShortID*len(ids))
	for {
		text, rest, found := strings.Cut(pattern, "{")
		path.WriteString(text)
		if !found {
			break
		}
		field, after, _ := strings.Cut(rest, "}")
		if len(ids) == 0 {
			return "", errors.New("an ID is missing: " + field)
		}
		if err := CheckID(field, ids[0]); err != nil {
			return "", err
		}
		path.WriteString(escape(ids[0]))
		pattern, ids = after, ids[1:]
	}
	if len(ids) > 0 {
		return "", errors.New("too many IDs for the path " + path.String())
	}
	return path.String(), nil
}

// escape escapes every character of an ID that a server could read as more than itself. It also escapes "+", which some
// servers read as a space.
func escape(id string) string { return strings.ReplaceAll(url.PathEscape(id), "+", "%2B") }
