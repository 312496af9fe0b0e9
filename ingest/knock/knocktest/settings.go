// SPDX-License-Identifier: Apache-2.0

package knocktest

// channelData is what reaches a recipient by channel: push tokens, chat connections.
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

// preferences are a recipient's preference sets by name.
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

// choice is yes, no, or yes under conditions.
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
