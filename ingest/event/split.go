// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

const (
	// MaxEvents is how many events one request may carry.
	MaxEvents = 1000
	// MaxDepth is how deep an event may nest, its own braces being the first level.
	MaxDepth = 100
)

// BodyError says why a request body holds no events. Sending it again cannot help.
type BodyError struct{ Reason string }

func (e *BodyError) Error() string { return e.Reason }

// TooManyError is returned for a body of more than MaxEvents events.
type TooManyError struct{ Events int }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d events in one request; send at most %d", e.Events, MaxEvents)
}

// Split cuts a request body into its events: a JSON object is one, a non-empty array of objects is many. A byte order
// mark is skipped. The events share the body's memory.
func Split(body []byte) ([][]byte, error) {
	body = rawjson.Trim(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 {
		return nil, &BodyError{"the body is empty; send a JSON object or an array of them"}
	}
	depth := MaxDepth
	if rawjson.KindOf(body) == rawjson.Array {
		depth++ // the array around the events is not theirs
	}
	if err := rawjson.Validate(body, depth); err != nil {
		return nil, &BodyError{"the body is " + err.Error()}
	}
	switch kind := rawjson.KindOf(body); kind {
	case rawjson.Object:
		return [][]byte{body}, nil
	case rawjson.Array:
		return elements(body)
	default:
		return nil, &BodyError{fmt.Sprintf("the body is %s; send a JSON object or an array of them", kind)}
	}
}

func elements(body []byte) ([][]byte, error) {
	var events [][]byte
	for element := range rawjson.Elements(body) {
		if kind := rawjson.KindOf(element); kind != rawjson.Object {
			return nil, &BodyError{fmt.Sprintf("element %d of the array is %s; each must be an object", len(events), kind)}
		}
		events = append(events, element)
	}
	switch {
	case len(events) == 0:
		return nil, &BodyError{"the array is empty; send at least one event"}
	case len(events) > MaxEvents:
		return nil, &TooManyError{len(events)}
	}
	return events, nil
}
