// SPDX-License-Identifier: Apache-2.0

package knocktest

import "maps"

// Knock's own descriptions of recipients, channel data and preferences, as data.

func optional(kind string) schema         { return schema{kind: kind, nullable: true} }
func listOf(items schema) schema          { return schema{kind: array, items: &items} }
func mapOf(values schema) schema          { return schema{kind: object, others: &values} }
func anyOf(alternatives ...schema) schema { return schema{anyOf: alternatives} }

func (s schema) orNull() schema {
	s.nullable = true
	return s
}

func (s schema) with(name string, field schema) schema {
	s.fields = maps.Clone(s.fields)
	s.fields[name] = field
	s.required = append([]string{name}, s.required...)
	return s
}

func record(fields map[string]schema, required ...string) schema {
	return schema{kind: object, fields: fields, required: required}
}

// user is the body of an identify.
func user() schema {
	return schema{kind: object, bounded: true, fields: map[string]schema{
		"name": optional(text), "email": optional(text), "phone_number": optional(text), "avatar": optional(text),
		"locale": optional(text), "timezone": optional(text),
		"created_at":  {kind: text, format: dateTime, nullable: true},
		"preferences": preferences().orNull(), "channel_data": channelData().orNull(),
	}}
}

// inlineUser is a user within another call.
func inlineUser() schema { return user().with("id", schema{kind: text, format: userID}) }

// inlineObject is an object within another call; its collection tells it from a user.
func inlineObject() schema {
	return schema{kind: object, bounded: true, required: []string{"id", "collection"}, fields: map[string]schema{
		"id": {kind: text}, "collection": {kind: text}, "name": optional(text),
		"created_at":  {kind: text, format: dateTime, nullable: true},
		"preferences": preferences().orNull(), "channel_data": channelData().orNull(),
	}}
}

// recipient is who is notified, identified on the way if it is an object.
func recipient() schema {
	person := inlineUser()
	person.absent = "collection"
	return anyOf(schema{kind: text, format: userID}, person, inlineObject())
}

// reference names a recipient.
func reference() schema {
	named := record(map[string]schema{"id": {kind: text}, "collection": {kind: text}}, "id")
	return anyOf(schema{kind: text, format: userID}, named)
}

// tenant is the body that sets a tenant.
func tenant() schema {
	branding := map[string]schema{}
	for _, name := range []string{"icon_url", "logo_url", "primary_color", "primary_color_contrast"} {
		branding[name] = optional(text)
	}
	return schema{kind: object, bounded: true, fields: map[string]schema{
		"name": optional(text), "channel_data": channelData().orNull(),
		"settings": record(map[string]schema{"branding": record(branding), "preference_set": preferenceSet().orNull()}),
	}}
}

// inlineTenant is a tenant within a trigger.
func inlineTenant() schema {
	described := tenant().with("id", schema{kind: text})
	described.fields["preferences"] = preferences().orNull()
	return anyOf(schema{kind: text}, described)
}
