// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// This file has the actions on users, objects and tenants.

// byID returns the build function of an action whose call has an ID and no body.
func byID(endpoint knock.Endpoint) func(*builder) (knock.Request, error) {
	return func(b *builder) (knock.Request, error) {
		id, err := b.id(paramID)
		if err != nil {
			return knock.Request{}, err
		}
		return knock.NewRequest(endpoint, id)
	}
}

func (b *builder) identifyUser() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity(userFields)
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequestWithBody(knock.IdentifyUser, body, id)
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
	if err := knock.CheckID("fromUser", from); err != nil {
		return knock.Request{}, err
	}
	body := rawjson.Overlay(nil, []rawjson.Field{{Name: "from_user_id", Value: rawjson.Quote(from)}})
	return knock.NewRequestWithBody(knock.MergeUser, body, id)
}

func (b *builder) setObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity(objectFields)
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequestWithBody(knock.SetObject, body, collection, id)
}

func (b *builder) deleteObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequest(knock.DeleteObject, collection, id)
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
	body, err := b.entity(tenantFields)
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
	return knock.NewRequestWithBody(knock.SetTenant, body, id)
}

// entity returns the body that sets a user, an object or a tenant. The fields of the action replace custom properties with
// the same name.
func (b *builder) entity(known knownFields) ([]byte, error) {
	base, err := b.from(paramPropertiesFrom)
	if err != nil {
		return nil, err
	}
	if base != nil {
		base = b.withoutInvalidFields(base, known)
	}
	properties, err := b.members(paramProperties)
	if err != nil {
		return nil, err
	}
	fixed, err := b.copied()
	if err != nil {
		return nil, err
	}
	if len(properties) > 0 { // a separate step, because a property and a fixed field may have the same name
		base = rawjson.Overlay(base, properties)
	}
	return rawjson.Overlay(base, fixed), nil
}

// knownFields are the names in a body that Knock does not treat as custom properties.
type knownFields map[string]fieldRule

// fieldRule says which values Knock accepts for a known field.
type fieldRule int

const (
	customField   fieldRule = iota // not a known field: any value
	textField                      // a string or null
	reservedField                  // properties of an event must not set it
)

// The known fields follow the request schemas in Knock's API description.
var (
	userFields   = newKnownFields([]string{"name", "locale", "timezone", "email", "phone_number", "avatar"})
	objectFields = newKnownFields([]string{"name", "locale", "timezone"}, "collection")
	tenantFields = newKnownFields([]string{"name"}, "settings")
)

// newKnownFields returns known fields: the texts, the reserved names, and the names that Knock reserves for users, objects
// and tenants alike.
func newKnownFields(texts []string, reserved ...string) knownFields {
	known := knownFields{}
	for _, name := range texts {
		known[name] = textField
	}
	for _, name := range append(reserved, "id", "preferences", "channel_data", "created_at", "updated_at", "__typename") {
		known[name] = reservedField
	}
	return known
}

// withoutInvalidFields returns the properties of an event without the fields that Knock reserves or would reject. It adds
// a note for each of them. Without this step, one unusual property would make Knock reject the whole call.
func (b *builder) withoutInvalidFields(properties []byte, known knownFields) []byte {
	valid := true
	for key, value := range rawjson.Members(properties) {
		name := rawjson.Unquote(key)
		if problem := known.problem(name, value); problem != "" {
			valid = false
			b.note("%s omitted: %s", name, problem)
		}
	}
	if valid {
		return properties
	}
	return rawjson.Filter(properties, func(name string, value []byte) bool { return known.problem(name, value) == "" })
}

// problem says why Knock does not accept the property of an event. It returns "" if Knock accepts it.
func (k knownFields) problem(name string, value []byte) string {
	switch kind := rawjson.KindOf(value); k[name] {
	case reservedField:
		return "Knock reserves this name"
	case textField:
		if kind != rawjson.String && kind != rawjson.Null {
			return fmt.Sprintf("it is %s, not a string", kind)
		}
	case customField:
	}
	return ""
}
