// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// entity returns the body that sets a user, an object or a tenant. The fields of the action replace custom properties
// with the same name.
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
	customField   fieldRule = iota // any value, because Knock knows no such field
	textField                      // a string or null
	reservedField                  // properties of an event must not set it
)

// The known fields follow the request schemas in Knock's API description.
var (
	userFields   = newKnownFields([]string{"name", "locale", "timezone", "email", "phone_number", "avatar"})
	objectFields = newKnownFields([]string{"name", "locale", "timezone"}, "collection")
	tenantFields = newKnownFields([]string{"name"}, "settings")
)

// newKnownFields returns known fields: the texts, the reserved names, and the names that Knock reserves for users,
// objects and tenants alike.
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

// withoutInvalidFields returns the properties of an event without the fields that Knock reserves or would reject. It
// adds a note for each of them. Without this step, one unusual property would make Knock reject the whole call.
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
	return rawjson.Filter(properties, func(key, value []byte) bool { return known.problem(rawjson.Unquote(key), value) == "" })
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
