// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// recipient is a user or object that a call is for.
type recipient struct {
	id         string
	collection string // empty for a user
	inline     []byte // the object it came as, its id a string; nil for a plain id
	at         int    // its place in the list as it came
}

// json is the recipient as Knock's trigger takes it: with what identifies it inline.
func (r recipient) json() []byte {
	if r.inline != nil {
		return r.inline
	}
	return r.reference()
}

// reference is the recipient without anything else that is known of it.
func (r recipient) reference() []byte {
	if r.collection == "" {
		return rawjson.Quote(r.id)
	}
	return rawjson.Overlay(nil, []rawjson.Field{
		{Name: "collection", Value: rawjson.Quote(r.collection)}, {Name: "id", Value: rawjson.Quote(r.id)},
	})
}

// recipients evaluates a list of recipients: an ID, {collection, id}, an object with an id, or a list of those. Of
// several with one id, the one that says most stays, in the first one's place.
func (b *builder) recipients(name string) ([]recipient, error) {
	found, err := b.eval(name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, b.missing(name)
	}
	if rawjson.KindOf(found) != rawjson.Array {
		r, err := recipientOf(found)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, b.mapping.values[name].x, err)
		}
		return []recipient{r}, nil
	}
	list, err := recipientList(found)
	if err != nil {
		return nil, fmt.Errorf("%s%w", name, err)
	}
	return list, nil
}

func recipientList(array []byte) ([]recipient, error) {
	type identity struct{ collection, id string }
	var list []recipient
	places, at := map[identity]int{}, 0
	for element := range rawjson.Elements(array) {
		r, err := recipientOf(element)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", at, err)
		}
		r.at = at
		at++
		place, again := places[identity{r.collection, r.id}]
		switch {
		case !again:
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
		return recipient{}, fmt.Errorf("it is %s, want an id or an object with an id", kindOf(value))
	case id == "":
		return recipient{}, errors.New("the id is empty")
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
		return recipient{}, errors.New("the object's id must be a string that is not empty, or an integer")
	}
	r := recipient{id: id, inline: object}
	action := document.IdentifyUser
	if value, ok := rawjson.Member(object, "collection"); ok {
		if rawjson.KindOf(value) != rawjson.String || len(value) == len(`""`) {
			return recipient{}, errors.New("the object's collection must be a string that is not empty")
		}
		r.collection, action = rawjson.Unquote(value), document.SetObject
	}
	if err := inlineFields(action, object); err != nil {
		return recipient{}, err
	}
	if rawjson.KindOf(value) != rawjson.String || string(value) != string(rawjson.Quote(id)) {
		r.inline = rawjson.Overlay(object, []rawjson.Field{{Name: "id", Value: rawjson.Quote(id)}})
	}
	return r, nil
}

// inlineFields refuses what Knock would refuse the whole call for.
func inlineFields(action document.ActionName, object []byte) error {
	for key, value := range rawjson.Members(object) {
		name := rawjson.Unquote(key)
		if rawjson.KindOf(value) == rawjson.Null {
			continue
		}
		f := formText
		switch {
		case name == "created_at":
			f = formTime
		case natureOf(action, name) != texts:
			continue
		}
		if problem := unfit(f, value); problem != "" {
			return fmt.Errorf("the object's %s: %s", name, problem)
		}
	}
	return nil
}

func listOf(list []recipient, as func(recipient) []byte) []byte {
	out := append(make([]byte, 0, 64), '[')
	for i, r := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, as(r)...)
	}
	return append(out, ']')
}
