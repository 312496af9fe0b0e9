// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// recipient is a user or an object that receives notifications.
type recipient struct {
	id         string
	collection string // "" for a user
	inline     []byte // the object in the event, with its id as a string; nil if the event has only an ID
	index      int    // its position in the list of the event, before duplicates were removed
}

// appendInline appends the recipient with all its properties. Knock identifies such a recipient before it notifies it.
func (r recipient) appendInline(dst []byte) []byte {
	if r.inline != nil {
		return append(dst, r.inline...)
	}
	return r.appendReference(dst)
}

// appendReference appends the recipient as an ID, or as an ID and a collection.
func (r recipient) appendReference(dst []byte) []byte {
	if r.collection == "" {
		return rawjson.AppendQuote(dst, r.id)
	}
	return append(dst, rawjson.Overlay(nil, []rawjson.Field{
		{Name: "collection", Value: rawjson.Quote(r.collection)}, {Name: "id", Value: rawjson.Quote(r.id)},
	})...)
}

// recipients returns the recipients of a required parameter: an ID, {collection, id}, an object with an id, or a list
// of these. It removes duplicates: of several recipients with the same ID, it keeps the first one that has properties,
// in the place of the first one.
func (b *builder) recipients(p parameter) ([]recipient, error) {
	found, err := b.required(p)
	if err != nil {
		return nil, err
	}
	if rawjson.KindOf(found) != rawjson.Array {
		r, err := recipientOf(found)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.name, b.text(p), err)
		}
		return []recipient{r}, nil
	}
	list, err := recipientList(found)
	if err != nil {
		return nil, fmt.Errorf("%s%w", p.name, err)
	}
	return list, nil
}

// recipientList returns the recipients in a list. Its errors begin with the index of the element, so that they can
// follow the name of the parameter.
func recipientList(array []byte) ([]recipient, error) {
	type identity struct{ collection, id string }
	var list []recipient
	places, index := map[identity]int{}, 0
	for element := range rawjson.Elements(array) {
		r, err := recipientOf(element)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", index, err)
		}
		r.index = index
		index++
		place, duplicate := places[identity{r.collection, r.id}]
		switch {
		case !duplicate:
			places[identity{r.collection, r.id}] = len(list)
			list = append(list, r)
		case list[place].inline == nil:
			list[place] = r
		}
	}
	if len(list) == 0 {
		return nil, errors.New(": the list is empty")
	}
	return list, nil
}

func recipientOf(value []byte) (recipient, error) {
	if rawjson.KindOf(value) == rawjson.Object {
		return inlineRecipient(value)
	}
	id, ok := idOf(value)
	switch {
	case !ok:
		return recipient{}, fmt.Errorf("it is %s, not an ID or an object with an id", describeKind(value))
	case id == "":
		return recipient{}, errors.New("the ID is empty")
	}
	return recipient{id: id}, nil
}

func inlineRecipient(object []byte) (recipient, error) {
	value, ok := rawjson.Member(object, "id")
	if !ok {
		return recipient{}, errors.New("the object has no id")
	}
	id, ok := idOf(value)
	if !ok || id == "" {
		return recipient{}, errors.New("the object's id must be an integer or a string that is not empty")
	}
	r, known := recipient{id: id, inline: object}, userFields
	if value, ok := rawjson.Member(object, "collection"); ok {
		if rawjson.KindOf(value) != rawjson.String || len(value) == len(`""`) {
			return recipient{}, errors.New("the object's collection must be a string that is not empty")
		}
		r.collection, known = rawjson.Unquote(value), objectFields
	}
	if err := checkInlineFields(object, known); err != nil {
		return recipient{}, err
	}
	if rawjson.KindOf(value) != rawjson.String || string(value) != string(rawjson.Quote(id)) {
		r.inline = rawjson.Overlay(object, []rawjson.Field{{Name: "id", Value: rawjson.Quote(id)}})
	}
	return r, nil
}

// checkInlineFields returns an error for a field of a recipient that would make Knock reject the whole call.
func checkInlineFields(object []byte, known knownFields) error {
	for key, value := range rawjson.Members(object) {
		name := rawjson.Unquote(key)
		if rawjson.KindOf(value) == rawjson.Null {
			continue
		}
		f := formText
		switch {
		case name == "created_at":
			f = formTime
		case known[name] != textField:
			continue
		}
		if problem := textProblem(f, value); problem != "" {
			return fmt.Errorf("the object's %s: %s", name, problem)
		}
	}
	return nil
}

// appendList appends a JSON list of recipients.
func appendList(dst []byte, list []recipient, appendOne func(recipient, []byte) []byte) []byte {
	dst = append(dst, '[')
	for i, r := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(r, dst)
	}
	return append(dst, ']')
}

// inParts splits the list into parts of at most n elements and returns one request for each part. For an empty list it
// returns one request. The index of a part counts from 0.
func inParts[T any](list []T, n int, request func(part []T, index int) (knock.Request, error)) ([]knock.Request, error) {
	requests := make([]knock.Request, 0, 1+len(list)/n)
	for len(requests) == 0 || len(list) > 0 {
		part := list[:min(n, len(list))]
		next, err := request(part, len(requests))
		if err != nil {
			return nil, err
		}
		requests, list = append(requests, next), list[len(part):]
	}
	return requests, nil
}
