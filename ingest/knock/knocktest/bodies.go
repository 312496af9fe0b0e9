// SPDX-License-Identifier: Apache-2.0

package knocktest

import "maps"

// This file has the schemas of request bodies from Knock's API description.

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

// user is the body that identifies a user.
func user() schema {
	return schema{kind: object, bounded: true, fields: map[string]schema{
		"name": optional(text), "email": optional(text), "phone_number": optional(text), "avatar": optional(text),
		"locale": optional(text), "timezone": optional(text),
		"created_at":  {kind: text, format: dateTime, nullable: true},
		"preferences": preferences().orNull(), "channel_data": channelData().orNull(),
	}}
}

// inlineUser is a user inside the body of another call.
func inlineUser() schema { return user().with("id", schema{kind: text, format: userID}) }

// inlineObject is an object inside the body of another call. It has a collection, unlike a user.
func inlineObject() schema {
	return schema{kind: object, bounded: true, required: []string{"id", "collection"}, fields: map[string]schema{
		"id": {kind: text}, "collection": {kind: text}, "name": optional(text),
		"created_at":  {kind: text, format: dateTime, nullable: true},
		"preferences": preferences().orNull(), "channel_data": channelData().orNull(),
	}}
}

// recipient is a recipient of notifications. Knock creates or updates it if it is written as an object.
func recipient() schema {
	person := inlineUser()
	person.absent = "collection"
	return anyOf(schema{kind: text, format: userID}, person, inlineObject())
}

// reference identifies a recipient without properties.
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

// inlineTenant is a tenant inside a trigger.
func inlineTenant() schema {
	described := tenant().with("id", schema{kind: text})
	described.fields["preferences"] = preferences().orNull()
	return anyOf(schema{kind: text}, described)
}

// channelData is the data of a recipient by channel, such as push tokens and chat connections.
func channelData() schema {
	texts := listOf(schema{kind: text})
	uuids := listOf(schema{kind: text, format: uuid})
	device := func(name string) schema {
		return listOf(record(map[string]schema{name: {kind: text}, "locale": optional(text), "timezone": optional(text)}, name))
	}
	return mapOf(anyOf(
		record(map[string]schema{"tokens": texts}, "tokens"),
		record(map[string]schema{"devices": device("token")}, "devices"),
		record(map[string]schema{"target_arns": texts}, "target_arns"),
		record(map[string]schema{"devices": device("target_arn")}, "devices"),
		record(map[string]schema{"player_ids": uuids}, "player_ids"),
		slack(), teams(), discord(),
	))
}

func slack() schema {
	token := map[string]schema{}
	for _, name := range []string{"access_token", "channel_id", "channel_name", "user_id"} {
		token[name] = optional(text)
	}
	return record(map[string]schema{
		"connections": listOf(anyOf(record(token), webhook())),
		"token":       record(map[string]schema{"access_token": optional(text)}, "access_token").orNull(),
	}, "connections")
}

func teams() schema {
	id := schema{kind: text, format: uuid, nullable: true}
	token := map[string]schema{}
	for _, name := range []string{"ms_teams_channel_id", "ms_teams_team_id", "ms_teams_tenant_id", "ms_teams_user_id"} {
		token[name] = id
	}
	return record(map[string]schema{
		"connections":        listOf(anyOf(record(token), webhook())),
		"ms_teams_tenant_id": id,
	}, "connections")
}

func discord() schema {
	channel := record(map[string]schema{"channel_id": {kind: text}}, "channel_id")
	return record(map[string]schema{"connections": listOf(anyOf(channel, webhook()))}, "connections")
}

func webhook() schema {
	url := record(map[string]schema{"url": {kind: text}}, "url")
	return record(map[string]schema{"incoming_webhook": url}, "incoming_webhook")
}

// preferences are the preference sets of a recipient by name.
func preferences() schema { return mapOf(preferenceSet()) }

func preferenceSet() schema {
	byName := mapOf(anyOf(schema{kind: boolean}, record(map[string]schema{
		"channel_types": channelTypes().orNull(), "channels": channels().orNull(), "conditions": conditions().orNull(),
	}))).orNull()
	return record(map[string]schema{
		"__persistence_strategy__": {kind: text, enum: []string{"merge", "replace"}},
		"workflows":                byName, "categories": byName,
		"channel_types": channelTypes().orNull(), "channels": channels().orNull(),
		"commercial_subscribed": choice().orNull(),
	})
}

// choice is true, false, or an object with conditions.
func choice() schema {
	return anyOf(schema{kind: boolean}, record(map[string]schema{"conditions": conditions()}, "conditions"))
}

func channels() schema { return mapOf(choice()) }

func channelTypes() schema {
	types := map[string]schema{}
	for _, name := range []string{"chat", "email", "http", "in_app_feed", "push", "sms"} {
		types[name] = choice()
	}
	return record(types)
}

func conditions() schema {
	return listOf(record(map[string]schema{
		"argument": optional(text), "variable": {kind: text}, "operator": {kind: text, enum: operators()},
	}, "variable", "operator", "argument"))
}

func operators() []string {
	return []string{
		"equal_to", "not_equal_to", "greater_than", "less_than", "greater_than_or_equal_to", "less_than_or_equal_to",
		"contains", "not_contains", "empty", "not_empty", "exists", "not_exists", "contains_all", "not_contains_all",
		"is_timestamp", "is_not_timestamp", "is_timestamp_on_or_after", "is_timestamp_before",
		"is_timestamp_on_or_after_date", "is_timestamp_before_date", "is_timestamp_between", "is_between",
		"is_audience_member", "is_not_audience_member",
	}
}

func body(fields map[string]schema, required ...string) *schema {
	return new(record(fields, required...))
}

func mergeBody() *schema {
	return body(map[string]schema{"from_user_id": {kind: text, format: userID}}, "from_user_id")
}

func bulkBody() *schema {
	users := schema{kind: array, items: new(inlineUser()), min: 1, max: 1000}
	return body(map[string]schema{"users": users}, "users")
}

func objectBody() *schema {
	return &schema{kind: object, bounded: true, fields: map[string]schema{
		"name": optional(text), "locale": optional(text), "timezone": optional(text),
		"preferences": preferences(), "channel_data": channelData(),
	}}
}

func subscribeBody() *schema {
	recipients := schema{kind: array, items: new(recipient()), min: 1, max: 100}
	return body(map[string]schema{"recipients": recipients, "properties": optional(object)}, "recipients")
}

func unsubscribeBody() *schema {
	recipients := schema{kind: array, items: new(reference()), min: 1, max: 100}
	return body(map[string]schema{"recipients": recipients}, "recipients")
}

func membersBody() *schema {
	member := record(map[string]schema{"user": inlineUser(), "tenant": optional(text)}, "user")
	members := schema{kind: array, items: &member, min: 1, max: 1000}
	return body(map[string]schema{"members": members}, "members")
}

func cancelBody() *schema {
	recipients := schema{kind: array, items: new(reference()), nullable: true}
	return body(map[string]schema{"cancellation_key": {kind: text}, "recipients": recipients}, "cancellation_key")
}

func triggerBody() *schema {
	settings := record(map[string]schema{"sandbox_mode": optional(boolean), "skip_delay": optional(boolean)})
	return body(map[string]schema{
		"recipients": {kind: array, items: new(recipient()), min: 1, max: 1000},
		"actor":      recipient().orNull(), "tenant": inlineTenant().orNull(),
		"data": optional(object), "cancellation_key": optional(text), "settings": settings.orNull(),
	}, "recipients")
}
