// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import "net/http"

// sample has valid and invalid bodies for one call. The fake and Knock's API description must agree about them.
type sample struct {
	method, path string
	valid        []string
	invalid      []string
}

func samples() []sample {
	const put, post, del = http.MethodPut, http.MethodPost, http.MethodDelete
	recipients := []string{
		`{"recipients":["u1"]}`, `{"recipients":["u1",{"id":"u2","name":"Bob"},{"id":"o1","collection":"orders"}]}`,
	}
	badRecipients := []string{
		`{}`, `{"recipients":"u1"}`, `{"recipients":null}`, `{"recipients":[1]}`, `{"recipients":[null]}`,
		`{"recipients":[{"name":"Bob"}]}`, `{"recipients":[{"id":7}]}`, `{"recipients":[["u1"]]}`,
	}
	return []sample{
		{put, "/v1/users/u1", append(userBodies(), `{}`), badUserBodies()},
		{post, "/v1/users/u1/merge", []string{`{"from_user_id":"u2"}`}, []string{`{}`, `{"from_user_id":2}`, `{"from_user_id":null}`}},
		{
			post, "/v1/users/bulk/identify",
			[]string{`{"users":[{"id":"u1"},{"id":"u2","email":null}]}`},
			[]string{`{}`, `{"users":{}}`, `{"users":["u1"]}`, `{"users":[{"name":"x"}]}`, `{"users":[{"id":"u1","name":5}]}`},
		},
		{
			put, "/v1/objects/orders/o1",
			[]string{`{}`, `{"name":"x","total":12.5,"lines":[1]}`, `{"name":null}`, `{"preferences":{"default":{"workflows":{"w":true}}}}`},
			[]string{`[]`, `{"name":1}`, `{"preferences":null}`, `{"channel_data":null}`, `{"timezone":false}`},
		},
		{
			post, "/v1/objects/orders/o1/subscriptions",
			append(recipients, `{"recipients":["u1"],"properties":null}`, `{"recipients":["u1"],"properties":{"role":"x"}}`),
			append(badRecipients, `{"recipients":["u1"],"properties":"x"}`),
		},
		{
			del, "/v1/objects/orders/o1/subscriptions",
			[]string{`{"recipients":["u1",{"id":"o1","collection":"orders"}]}`},
			[]string{`{}`, `{"recipients":"u1"}`, `{"recipients":[1]}`, `{"recipients":[{"id":1,"collection":"orders"}]}`},
		},
		{
			put, "/v1/tenants/t1",
			[]string{
				`{}`, `{"name":"Acme","plan":"pro","channel_data":null}`,
				`{"settings":{"branding":{"logo_url":null,"primary_color":"#fff"},"preference_set":null}}`,
			},
			[]string{`"Acme"`, `{"name":1}`, `{"settings":null}`, `{"settings":{"branding":{"logo_url":1}}}`, `{"settings":{"branding":null}}`},
		},
		{
			post, "/v1/audiences/vip/members",
			[]string{`{"members":[{"user":{"id":"u1"}}]}`, `{"members":[{"user":{"id":"u1","name":"Ann"},"tenant":null}]}`},
			[]string{
				`{}`, `{"members":["u1"]}`, `{"members":[{}]}`, `{"members":[{"user":"u1"}]}`, `{"members":[{"user":{}}]}`,
				`{"members":[{"user":{"id":"u1"},"tenant":{"id":"t1"}}]}`,
			},
		},
		{
			del, "/v1/audiences/vip/members",
			[]string{`{"members":[{"user":{"id":"u1"}}]}`},
			[]string{`{}`, `{"members":[{"id":"u1"}]}`},
		},
		{
			post, "/v1/workflows/order/trigger", append(triggerBodies(), recipients...),
			append(badRecipients, badTriggerBodies()...),
		},
		{
			post, "/v1/workflows/order/cancel",
			[]string{`{"cancellation_key":"c1"}`, `{"cancellation_key":"c1","recipients":null}`, `{"cancellation_key":"c1","recipients":["u1"]}`},
			[]string{`{}`, `{"cancellation_key":null}`, `{"cancellation_key":1}`, `{"cancellation_key":"c1","recipients":"u1"}`},
		},
	}
}

func userBodies() []string {
	return []string{
		`{"name":"Ann","email":"a@example.com","phone_number":"+1","avatar":"x","locale":"en","timezone":"UTC"}`,
		`{"name":null,"email":null,"created_at":null,"preferences":null,"channel_data":null}`,
		`{"created_at":"2026-01-02T03:04:05Z","plan":{"seats":3},"tags":["a"],"age":36.60}`,
		`{"created_at":"2026-01-02T03:04:05.678+02:00"}`,
		`{"channel_data":{"c1":{"tokens":["t1"]},"c2":{"devices":[{"token":"t2"}]},"c3":{"connections":[]}}}`,
		`{"preferences":{"default":{"workflows":{"w":true,"v":{"channel_types":{"email":false}}},"categories":null}}}`,
		`{"preferences":{"default":{"channel_types":{"push":{"conditions":[{"variable":"v","operator":"exists","argument":null}]}}}}}`,
	}
}

func badUserBodies() []string {
	return []string{
		`[]`, `null`, `"u1"`, `{"name":1}`, `{"email":{}}`, `{"phone_number":123}`, `{"locale":["en"]}`, `{"avatar":true}`,
		`{"created_at":"yesterday"}`, `{"created_at":1700000000}`, `{"created_at":"2026-01-02"}`,
		`{"preferences":true}`, `{"preferences":{"default":null}}`, `{"preferences":{"default":{"workflows":{"w":"yes"}}}}`,
		`{"preferences":{"default":{"channel_types":{"email":{}}}}}`,
		`{"preferences":{"default":{"channel_types":{"push":{"conditions":[{"variable":"v","operator":"like","argument":"x"}]}}}}}`,
		`{"channel_data":{"c1":{}}}`, `{"channel_data":{"c1":"t1"}}`, `{"channel_data":{"c1":{"tokens":[1]}}}`,
		`{"channel_data":{"c1":{"player_ids":["not-a-uuid"]}}}`,
	}
}

func triggerBodies() []string {
	return []string{
		`{"recipients":["u1"],"actor":null,"tenant":null,"data":null,"cancellation_key":null,"settings":null}`,
		`{"recipients":["u1"],"actor":"u1","tenant":"t1","data":{"total":12.50},"cancellation_key":"c1"}`,
		`{"recipients":["u1"],"actor":{"id":"u2"},"tenant":{"id":"t1","name":"Acme","settings":{}}}`,
		`{"recipients":["u1"],"settings":{"sandbox_mode":true,"skip_delay":null}}`,
	}
}

func badTriggerBodies() []string {
	return []string{
		`{"recipients":["u1"],"data":"x"}`, `{"recipients":["u1"],"data":[]}`, `{"recipients":["u1"],"cancellation_key":7}`,
		`{"recipients":["u1"],"actor":7}`, `{"recipients":["u1"],"actor":{"name":"x"}}`, `{"recipients":["u1"],"tenant":7}`,
		`{"recipients":["u1"],"tenant":{"name":"Acme"}}`, `{"recipients":["u1"],"settings":{"sandbox_mode":"yes"}}`,
	}
}
