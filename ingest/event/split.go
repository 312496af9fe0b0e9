// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"errors"
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
		return nil, &BodyError{invalid(err)}
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

// invalid puts into words what Validate found. The array around the events does not count.
func invalid(err error) string {
	if tooDeep, ok := errors.AsType[*rawjson.DepthError](err); ok {
		err = &rawjson.DepthError{Offset: tooDeep.Offset, Most: MaxDepth}
	}
	return "the body is " + err.Error()
}

func elements(body []byte) ([][]byte, error) {
	var events [][]byte
	count, mistake := 0, error(nil)
	for element := range rawjson.Elements(body) {
		if kind := rawjson.KindOf(element); kind != rawjson.Object && mistake == nil {
			mistake = &BodyError{fmt.Sprintf("element %d of the array is %s; each must be an object", count, kind)}
		}
		if count++; count <= MaxEvents {
			events = append(events, element)
		}
	}
	switch {
	case count == 0:
		return nil, &BodyError{"the array is empty; send at least one event"}
	case count > MaxEvents:
		return nil, &TooManyError{count}
	case mistake != nil:
		return nil, mistake
	}
	return events, nil
}
