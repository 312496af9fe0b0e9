// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

const (
	// MaxEvents is the largest number of events in one request.
	MaxEvents = 1000
	// MaxDepth is the deepest nesting of objects and arrays in an event. The event itself is level 1.
	MaxDepth = 100
)

// BodyError describes why a request body does not contain valid events. A retry of the same body cannot succeed.
type BodyError struct{ Reason string }

// Error implements error. The text is Reason.
func (e *BodyError) Error() string { return e.Reason }

// TooManyError reports a request body with more than MaxEvents events.
type TooManyError struct{ Events int }

// Error implements error. The text contains the number of events and the maximum.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d events in one request; send at most %d", e.Events, MaxEvents)
}

// Split returns the events in a request body, which must be a JSON object or a non-empty array of JSON objects. It
// skips a byte order mark. The events share the memory of the body. If the body is one object, and members is not nil,
// members becomes the index of the object. Split returns a *BodyError or a *TooManyError if the body is invalid.
func Split(body []byte, members *rawjson.Index) ([][]byte, error) {
	body = rawjson.Trim(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 {
		return nil, &BodyError{"the body is empty; send a JSON object or an array of them"}
	}
	depth := MaxDepth
	if rawjson.KindOf(body) == rawjson.Array {
		depth++ // the array around the events is not part of any event
	}
	if members == nil {
		members = &rawjson.Index{}
	}
	if err := members.Validate(body, depth); err != nil {
		return nil, &BodyError{invalidBody(err)}
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

// invalidBody returns the message for an error of rawjson.Validate. It states MaxDepth as the limit even for an array
// of events.
func invalidBody(err error) string {
	if tooDeep, ok := errors.AsType[*rawjson.DepthError](err); ok {
		err = &rawjson.DepthError{Offset: tooDeep.Offset, Most: MaxDepth}
	}
	return "the body is " + err.Error()
}

// elements returns the elements of an array, which must all be objects. It counts all elements before it reports an
// invalid one, so that it always returns a *TooManyError for too many events.
func elements(body []byte) ([][]byte, error) {
	var events [][]byte
	count, invalid := 0, error(nil)
	for element := range rawjson.Elements(body) {
		if kind := rawjson.KindOf(element); kind != rawjson.Object && invalid == nil {
			invalid = &BodyError{fmt.Sprintf("element %d of the array is %s; each must be an object", count, kind)}
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
	case invalid != nil:
		return nil, invalid
	}
	return events, nil
}
