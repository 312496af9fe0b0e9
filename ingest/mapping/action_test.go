// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// sample is an event with a value of every kind.
const sample = `{"type":"e","key":"k","user":"u 1","n":9007199254740993,"neg":-5,"half":1.50,"exp":1e3,"nil":null,"empty":"","yes":true,` +
	`"name":"Ada","at":"2026-01-02T03:04:05Z","many":["a","b",7],"none":[],"obj":{"x":1.0,"y":null,"b":9007199254740993},` +
	`"long":"` + long257 + `","slash":"a/b","dots":".."}`

const (
	long257 = long64 + long64 + long64 + long64 + "x"
	long64  = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// The test has the calls of every action with the required parameters only, and with all parameters.
func TestEveryActionMakesTheseCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		action     document.ActionName
		parameters string
		want       string
	}{
		"identify with an id alone": {
			"identifyUser", `"id":"body.user"`, `PUT /v1/users/u%201 {}`,
		},
		"identify with every field": {
			"identifyUser", `"id":"body.n","name":"body.name","email":"'a@x'","phoneNumber":"'+1'","avatar":"'https://a'",
				"locale":"'en'","timezone":"'UTC'","createdAt":"body.at","propertiesFrom":"body.obj","properties":{"x":"body.half","z":"body.nil"}`,
			`PUT /v1/users/9007199254740993 {"y":null,"b":9007199254740993,"x":1.50,"z":null,"name":"Ada","email":"a@x",` +
				`"phone_number":"+1","avatar":"https://a","locale":"en","timezone":"UTC","created_at":"2026-01-02T03:04:05Z"}`,
		},
		"a fixed field replaces a property of the same name": {
			"identifyUser", `"id":"'u'","name":"body.name","properties":{"name":"body.user","plan":"'pro'"}`,
			`PUT /v1/users/u {"plan":"pro","name":"Ada"}`,
		},
		"delete a user":            {"deleteUser", `"id":"body.neg"`, `DELETE /v1/users/-5`},
		"merge a user":             {"mergeUser", `"id":"body.user","fromUserID":"body.n"`, `POST /v1/users/u%201/merge {"from_user_id":"9007199254740993"}`},
		"set an object with an id": {"setObject", `"collection":"plans","id":"body.n"`, `PUT /v1/objects/plans/9007199254740993 {}`},
		"set an object in a computed collection": {
			"setObject", `"collection":"= body.type + 's'","id":"body.user","name":"body.name","properties":{"a":"body.many"}`,
			`PUT /v1/objects/es/u%201 {"a":["a","b",7],"name":"Ada"}`,
		},
		"delete an object":        {"deleteObject", `"collection":"=body.n","id":"body.user"`, `DELETE /v1/objects/9007199254740993/u%201`},
		"set a tenant with an id": {"setTenant", `"id":"body.user"`, `PUT /v1/tenants/u%201 {}`},
		"set a tenant with everything": {
			"setTenant", `"id":"body.user","name":"body.name","propertiesFrom":"body.obj","properties":{"x":"body.yes"},"settings":{"branding":"body.obj","off":"body.nil"}`,
			`PUT /v1/tenants/u%201 {"y":null,"b":9007199254740993,"x":true,"name":"Ada","settings":{"branding":{"x":1.0,"y":null,"b":9007199254740993},"off":null}}`,
		},
		"a tenant whose settings are all missing": {"setTenant", `"id":"'t'","settings":{"a":"body.nope"}`, `PUT /v1/tenants/t {}`},
		"delete a tenant":                         {"deleteTenant", `"id":"body.user"`, `DELETE /v1/tenants/u%201`},
		"subscribe one":                           {"subscribe", `"collection":"c","id":"'o'","recipients":"body.n"`, `POST /v1/objects/c/o/subscriptions {"recipients":["9007199254740993"]}`},
		"subscribe with properties": {
			"subscribe", `"collection":"c","id":"'o'","recipients":"body.many","propertiesFrom":"body.obj","properties":{"x":"'new'"}`,
			`POST /v1/objects/c/o/subscriptions {"recipients":["a","b","7"],"properties":{"y":null,"b":9007199254740993,"x":"new"}}`,
		},
		"unsubscribe without the properties of recipients": {
			"unsubscribe", `"collection":"c","id":"'o'","recipients":"[{'id': 'u', 'name': 'U'}, {'collection': 'g', 'id': 1}]"`,
			`DELETE /v1/objects/c/o/subscriptions {"recipients":["u",{"collection":"g","id":"1"}]}`,
		},
		"add members": {
			"addAudienceMember", `"audience":"vips","members":"body.many"`,
			`POST /v1/audiences/vips/members {"members":[{"user":{"id":"a"}},{"user":{"id":"b"}},{"user":{"id":"7"}}]}`,
		},
		"add members with a tenant to an audience that may not exist": {
			"addAudienceMember", `"audience":"vips","createAudience":true,"tenant":"body.n","members":"{'id': 7, 'name': 'U'}"`,
			`POST /v1/audiences/vips/members?create_audience=true {"members":[{"user":{"name":"U","id":"7"},"tenant":"9007199254740993"}]}`,
		},
		"add a member with an empty tenant": {
			"addAudienceMember", `"audience":"vips","createAudience":false,"tenant":"body.empty","members":"body.user"`,
			`POST /v1/audiences/vips/members {"members":[{"user":{"id":"u 1"}}]}`,
		},
		"remove a member": {
			"removeAudienceMember", `"audience":"=body.type","tenant":"'t'","members":"{'collection': '$users', 'id': 'u'}"`,
			`DELETE /v1/audiences/e/members {"members":[{"user":{"id":"u"},"tenant":"t"}]}`,
		},
		"cancel for all recipients": {
			"cancelWorkflow", `"workflow":"w","cancellationKey":"body.n"`,
			`POST /v1/workflows/w/cancel {"cancellation_key":"9007199254740993"}`,
		},
		"cancel for some recipients": {
			"cancelWorkflow", `"workflow":"w","cancellationKey":"body.user","recipients":"['a', {'id': 'b', 'name': 'B'}]"`,
			`POST /v1/workflows/w/cancel {"cancellation_key":"u 1","recipients":["a","b"]}`,
		},
		"trigger for one recipient": {
			"triggerWorkflow", `"workflow":"order-completed","recipients":"body.user"`,
			`POST /v1/workflows/order-completed/trigger {"recipients":["u 1"]} key`,
		},
		"trigger with everything": {
			"triggerWorkflow", `"workflow":"= 'w-' + body.type","recipients":"[body.n, {'collection': 'g', 'id': 1}]","actor":"{'id': 2, 'name': 'Actor'}",
				"tenant":"body.user","cancellationKey":"body.n","dataFrom":"body.obj","data":{"y":"body.half","gone":"body.nope","nil":"body.nil"},
				"settings":{"skip_delay":"body.yes","sandbox_mode":"body.nil","gone":"body.nope"}`,
			`POST /v1/workflows/w-e/trigger {"recipients":["9007199254740993",{"collection":"g","id":"1"}],"actor":{"name":"Actor","id":"2"},` +
				`"tenant":"u 1","data":{"x":1.0,"b":9007199254740993,"nil":null,"y":1.50},"cancellation_key":"9007199254740993",` +
				`"settings":{"sandbox_mode":null,"skip_delay":true}} key`,
		},
		"a trigger omits empty options": {
			"triggerWorkflow", `"workflow":"w","recipients":"'r'","actor":"body.empty","tenant":"body.nil","cancellationKey":"body.empty","data":{},"settings":{}`,
			`POST /v1/workflows/w/trigger {"recipients":["r"],"data":{}} key`,
		},
		"a missing dataFrom starts from {}": {
			"triggerWorkflow", `"workflow":"w","recipients":"'r'","dataFrom":"body.nope","data":{"a":"1"}`,
			`POST /v1/workflows/w/trigger {"recipients":["r"],"data":{"a":1}} key`,
		},
		"a null dataFrom starts from {}, and a note says so if data is empty": {
			"triggerWorkflow", `"workflow":"w","recipients":"'r'","dataFrom":"body.nil"`,
			`POST /v1/workflows/w/trigger {"recipients":["r"],"data":{}} key` + "\nnote data is empty: body.nil is null",
		},
		"data whose paths are all missing gets a note": {
			"triggerWorkflow", `"workflow":"w","recipients":"'r'","dataFrom":"body.nope","data":{"a":"body.nil.x","b":"body.gone + 1"}`,
			`POST /v1/workflows/w/trigger {"recipients":["r"],"data":{}} key` +
				"\nnote data is empty: body.nope is not in the event; body.nil.x is not in the event; body.gone is not in the event",
		},
		"subscription properties whose paths are all missing get a note": {
			"subscribe", `"collection":"c","id":"'o'","recipients":"'r'","properties":{"a":"body.nope"}`,
			`POST /v1/objects/c/o/subscriptions {"recipients":["r"],"properties":{}}` + "\nnote properties is empty: body.nope is not in the event",
		},
		"a literal key that looks like an expression is still a literal": {
			"triggerWorkflow", `"workflow":"body.user","recipients":"'r'"`,
			`POST /v1/workflows/body.user/trigger {"recipients":["r"]} key`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(planned(t, sample, mapped(tc.action, tc.parameters)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecipientsCanBeWrittenInTheseForms(t *testing.T) {
	for name, tc := range map[string]struct{ recipients, want string }{
		"an id":                                               {`"u"`, `["u"]`},
		"a number keeps its digits":                           {`90071992547409931234`, `["90071992547409931234"]`},
		"an object of a collection":                           {`{"collection":"c","id":"o"}`, `[{"collection":"c","id":"o"}]`},
		"an inline user":                                      {`{"id":"u","name":"U","p":1.0}`, `[{"id":"u","name":"U","p":1.0}]`},
		"an inline user with a number":                        {`{"id":12,"p":1.0}`, `[{"p":1.0,"id":"12"}]`},
		"the last of two id members wins":                     {`{"id":1,"id":2}`, `[{"id":"2"}]`},
		"an id with escapes":                                  {`{"id":"\u0075","p":1}`, `[{"p":1,"id":"u"}]`},
		"null fields inline":                                  {`{"id":"u","email":null,"created_at":null}`, `[{"id":"u","email":null,"created_at":null}]`},
		"a mixture":                                           {`["u",1,{"id":"i"},{"collection":"c","id":"o"}]`, `["u","1",{"id":"i"},{"collection":"c","id":"o"}]`},
		"duplicates are removed":                              {`["a","b","a",1,"1"]`, `["a","b","1"]`},
		"a duplicate with properties replaces an id":          {`["a","b",{"id":"a","name":"A"}]`, `[{"id":"a","name":"A"},"b"]`},
		"a duplicate id does not replace properties":          {`[{"id":"a","name":"A"},"a"]`, `[{"id":"a","name":"A"}]`},
		"the first of two duplicates with properties wins":    {`[{"id":"a","name":"A"},{"id":"a"}]`, `[{"id":"a","name":"A"}]`},
		"a user and an object with the same id are different": {`["a",{"collection":"c","id":"a"}]`, `["a",{"collection":"c","id":"a"}]`},
		"two objects of different collections are different":  {`[{"collection":"c","id":"a"},{"collection":"d","id":"a"}]`, `[{"collection":"c","id":"a"},{"collection":"d","id":"a"}]`},
		"an id that is not valid in a path":                   {`"a/b"`, `["a/b"]`},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"type":"e","r":` + tc.recipients + `}`
			got := describe(planned(t, body, mapped("triggerWorkflow", `"workflow":"w","recipients":"body.r"`)))
			want := `POST /v1/workflows/w/trigger {"recipients":` + tc.want + `} key`
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
