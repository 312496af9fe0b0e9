// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// The actions on users, objects and tenants.

func (b *builder) byID(call func(id string) (knock.Request, error)) (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	return call(id)
}

func (b *builder) identifyUser() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity()
	if err != nil {
		return knock.Request{}, err
	}
	return knock.IdentifyUser(id, body)
}

func (b *builder) mergeUser() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	from, err := b.id(paramFromUserID)
	if err != nil {
		return knock.Request{}, err
	}
	return knock.MergeUser(id, from)
}

func (b *builder) setObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity()
	if err != nil {
		return knock.Request{}, err
	}
	return knock.SetObject(collection, id, body)
}

func (b *builder) deleteObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	return knock.DeleteObject(collection, id)
}

func (b *builder) objectID() (collection, id string, err error) {
	if collection, err = b.id(paramCollection); err != nil {
		return "", "", err
	}
	id, err = b.id(paramID)
	return collection, id, err
}

func (b *builder) setTenant() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity()
	if err != nil {
		return knock.Request{}, err
	}
	settings, err := b.members(paramSettings)
	if err != nil {
		return knock.Request{}, err
	}
	if len(settings) > 0 {
		body = rawjson.Overlay(body, []rawjson.Field{{Name: "settings", Value: rawjson.Overlay(nil, settings)}})
	}
	return knock.SetTenant(id, body)
}

// entity is the body of a user, object or tenant: free properties with the fixed fields over them.
func (b *builder) entity() ([]byte, error) {
	base, err := b.from(paramPropertiesFrom)
	if err != nil {
		return nil, err
	}
	if base != nil {
		base = b.admissible(base)
	}
	properties, err := b.members(paramProperties)
	if err != nil {
		return nil, err
	}
	fixed, err := b.copied()
	if err != nil {
		return nil, err
	}
	if len(properties) > 0 { // apart from the fixed fields: one may have the name of another
		base = rawjson.Overlay(base, properties)
	}
	return rawjson.Overlay(base, fixed), nil
}

// nature is what Knock makes of a top-level name in an entity's body.
type nature int

const (
	free     nature = iota // a custom property
	texts                  // a field of Knock's own that is a string or null
	reserved               // a field that properties must not reach
)

// natureOf follows the request schemas of Knock's API description.
func natureOf(action document.ActionName, name string) nature {
	switch name {
	case "id", "preferences", "channel_data", "created_at", "updated_at", "__typename":
		return reserved
	case "name":
		return texts
	case "locale", "timezone":
		if action != document.SetTenant {
			return texts
		}
	case "email", "phone_number", "avatar":
		if action == document.IdentifyUser {
			return texts
		}
	case "collection":
		if action == document.SetObject {
			return reserved
		}
	case "settings":
		if action == document.SetTenant {
			return reserved
		}
	}
	return free
}

// admissible removes from an event's properties what Knock would take for something else than a custom property, and
// notes it: one odd trait must not cost the user.
func (b *builder) admissible(properties []byte) []byte {
	clean := true
	keep := func(name string, value []byte) (bool, string) {
		switch kind := rawjson.KindOf(value); natureOf(b.mapping.action, name) {
		case reserved:
			return false, fmt.Sprintf("%s: left out, Knock reserves this name", name)
		case texts:
			return kind == rawjson.String || kind == rawjson.Null, fmt.Sprintf("%s: left out, it is %s, want a string", name, kind)
		default:
			return true, ""
		}
	}
	for key, value := range rawjson.Members(properties) {
		if ok, reason := keep(rawjson.Unquote(key), value); !ok {
			clean = false
			b.note("%s", reason)
		}
	}
	if clean {
		return properties
	}
	return rawjson.Filter(properties, func(name string, value []byte) bool {
		ok, _ := keep(name, value)
		return ok
	})
}
