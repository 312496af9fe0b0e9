// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

func TestAnActionIsSkippedIfItsIDIsInvalid(t *testing.T) {
	for expression, want := range map[string]string{
		"body.nope":        "skipped id: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?",
		"body.nil":         "skipped id: body.nil is null",
		"body.empty":       "skipped id: body.empty is empty",
		"body.type.deeper": "skipped id: body.type.deeper is not in the event; body.type is a string",
		"body.nope + 'x'":  "skipped id: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?",
		"body.?nope":       "skipped id: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?",
		"body.yes":         "skipped id: body.yes is a boolean, not a string or an integer",
		"body.many":        "skipped id: body.many is a list, not a string or an integer",
		"body.obj":         "skipped id: body.obj is an object, not a string or an integer",
		"body.half":        "skipped id: body.half is a number with a fraction or an exponent, not a string or an integer",
		"body.exp":         "skipped id: body.exp is a number with a fraction or an exponent, not a string or an integer",
		"body.user + 1":    "skipped id: body.user + 1: cannot add a string and an integer; convert one with string(), int() or double()",
		"body.slash":       `skipped user ID contains "/" or "#", which Knock does not accept`,
		"'#'":              `skipped user ID contains "/" or "#", which Knock does not accept`,
		"body.dots":        `skipped user ID is "..", which has a special meaning in a URL`,
		"'.'":              `skipped user ID is ".", which has a special meaning in a URL`,
		"'a\\nb'":          "skipped user ID contains a control character",
		"body.long":        "skipped user ID has 257 bytes; Knock accepts at most 256",
		"'%2F'":            "DELETE /v1/users/%252F",
		"'a?b&c+d e'":      "DELETE /v1/users/a%3Fb&c%2Bd%20e",
		"'é'":              "DELETE /v1/users/%C3%A9",
	} {
		t.Run(expression, func(t *testing.T) {
			got := describe(planned(t, sample, mapped("deleteUser", `"id":"`+escaped(expression)+`"`)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASkippedActionNamesTheFieldAndTheReason(t *testing.T) {
	for name, tc := range map[string]struct {
		action           document.ActionName
		parameters, want string
	}{
		"a merge without the other user":       {"mergeUser", `"id":"'u'","fromUserID":"body.nil"`, `fromUserID: body.nil is null`},
		"a merge from an invalid ID":           {"mergeUser", `"id":"'u'","fromUserID":"body.slash"`, `fromUser ID contains "/" or "#", which Knock does not accept`},
		"a missing collection":                 {"setObject", `"collection":"=body.nope","id":"'o'"`, `collection: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?`},
		"an invalid collection":                {"deleteObject", `"collection":"=body.dots","id":"'o'"`, `collection ID is "..", which has a special meaning in a URL`},
		"an object whose ID is a list":         {"setObject", `"collection":"c","id":"body.many"`, `id: body.many is a list, not a string or an integer`},
		"an invalid tenant ID":                 {"setTenant", `"id":"body.slash"`, `tenant ID contains "/" or "#", which Knock does not accept`},
		"an empty tenant ID":                   {"deleteTenant", `"id":"body.empty"`, `id: body.empty is empty`},
		"propertiesFrom of a user is a string": {"identifyUser", `"id":"'u'","propertiesFrom":"body.user"`, `propertiesFrom: body.user is a string, not an object`},
		"propertiesFrom of a tenant is a list": {"setTenant", `"id":"'t'","propertiesFrom":"body.many"`, `propertiesFrom: body.many is a list, not an object`},
		"propertiesFrom of a subscription is a number": {
			"subscribe", `"collection":"c","id":"'o'","recipients":"'r'","propertiesFrom":"body.n"`, `propertiesFrom: body.n is a number, not an object`,
		},
		"a property that fails":                     {"setObject", `"collection":"c","id":"'o'","properties":{"p":"body.user + 1"}`, `properties.p: body.user + 1: cannot add a string and an integer; convert one with string(), int() or double()`},
		"a text field that fails":                   {"identifyUser", `"id":"'u'","name":"body.user + body.yes"`, `name: body.user + body.yes: cannot add a string and a boolean; convert one with string(), int() or double()`},
		"a tenant's setting that fails":             {"setTenant", `"id":"'t'","settings":{"s":"body.n / (body.n - body.n)"}`, `settings.s: division by zero`},
		"a subscription without recipients":         {"subscribe", `"collection":"c","id":"'o'","recipients":"body.none"`, `recipients: the list is empty`},
		"an unsubscription with missing recipients": {"unsubscribe", `"collection":"c","id":"'o'","recipients":"body.nope"`, `recipients: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?`},
		"a missing audience":                        {"addAudienceMember", `"audience":"=body.nope","members":"'u'"`, `audience: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?`},
		"null members":                              {"removeAudienceMember", `"audience":"a","members":"body.nil"`, `members: body.nil is null`},
		"an object as a member": {
			"addAudienceMember", `"audience":"a","members":"['x', 'x', {'collection': 'c', 'id': 'o'}]"`,
			`members[2]: it is an object of the collection "c"; an audience can only have users`,
		},
		"a list as a tenant":                       {"addAudienceMember", `"audience":"a","members":"'u'","tenant":"body.many"`, `tenant: body.many is a list, not a string or an integer`},
		"a cancellation with an empty key":         {"cancelWorkflow", `"workflow":"w","cancellationKey":"body.empty"`, `cancellationKey: body.empty is empty`},
		"a cancellation with an invalid recipient": {"cancelWorkflow", `"workflow":"w","cancellationKey":"'k'","recipients":"['a', true]"`, `recipients[1]: it is a boolean, not an ID or an object with an id`},
		"a cancellation with an empty list":        {"cancelWorkflow", `"workflow":"w","cancellationKey":"'k'","recipients":"body.none"`, `recipients: the list is empty`},
		"a missing workflow":                       {"triggerWorkflow", `"workflow":"=body.nope","recipients":"'r'"`, `workflow: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?`},
		"an invalid workflow":                      {"triggerWorkflow", `"workflow":"=body.slash","recipients":"'r'"`, `workflow ID contains "/" or "#", which Knock does not accept`},
		"a trigger with an empty recipient":        {"triggerWorkflow", `"workflow":"w","recipients":"body.empty"`, `recipients: body.empty: the ID is empty`},
		"dataFrom is a string":                     {"triggerWorkflow", `"workflow":"w","recipients":"'r'","dataFrom":"body.user"`, `dataFrom: body.user is a string, not an object`},
		"a data field that fails":                  {"triggerWorkflow", `"workflow":"w","recipients":"'r'","data":{"d":"body.many[9]"}`, `data.d: index 9 is out of bounds in body.many[9]`},
		"a boolean as an actor":                    {"triggerWorkflow", `"workflow":"w","recipients":"'r'","actor":"body.yes"`, `actor: body.yes: it is a boolean, not an ID or an object with an id`},
		"a tenant without an id":                   {"triggerWorkflow", `"workflow":"w","recipients":"'r'","tenant":"body.obj"`, `tenant: body.obj: the object has no id`},
		"a cancellation key with a fraction":       {"triggerWorkflow", `"workflow":"w","recipients":"'r'","cancellationKey":"body.half"`, `cancellationKey: body.half is a number with a fraction or an exponent, not a string or an integer`},
		"a setting that is not a boolean":          {"triggerWorkflow", `"workflow":"w","recipients":"'r'","settings":{"skip_delay":"body.user"}`, `settings.skip_delay: it is a string, not a boolean`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff("skipped "+tc.want, describe(planned(t, sample, mapped(tc.action, tc.parameters)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnInvalidRecipientIsNamedByItsPosition(t *testing.T) {
	for recipients, want := range map[string]string{
		`null`:                          `recipients: body.r is null`,
		`""`:                            `recipients: body.r: the ID is empty`,
		`true`:                          `recipients: body.r: it is a boolean, not an ID or an object with an id`,
		`1.5`:                           `recipients: body.r: it is a number with a fraction or an exponent, not an ID or an object with an id`,
		`{}`:                            `recipients: body.r: the object has no id`,
		`{"collection":"c"}`:            `recipients: body.r: the object has no id`,
		`[]`:                            `recipients: the list is empty`,
		` [ ] `:                         `recipients: the list is empty`,
		`["a",null]`:                    `recipients[1]: it is null, not an ID or an object with an id`,
		`["a","a",""]`:                  `recipients[2]: the ID is empty`,
		`["a",["b"]]`:                   `recipients[1]: it is a list, not an ID or an object with an id`,
		`[{"id":""}]`:                   `recipients[0]: the object's id must be an integer or a string that is not empty`,
		`[{"id":null}]`:                 `recipients[0]: the object's id must be an integer or a string that is not empty`,
		`[{"id":1.0}]`:                  `recipients[0]: the object's id must be an integer or a string that is not empty`,
		`{"id":"u","collection":1}`:     `recipients: body.r: the object's collection must be a string that is not empty`,
		`{"id":"u","collection":""}`:    `recipients: body.r: the object's collection must be a string that is not empty`,
		`["a",{"id":"u","email":5}]`:    `recipients[1]: the object's email: it is a number, not a string`,
		`{"id":"u","created_at":"now"}`: `recipients: body.r: the object's created_at: it is not an RFC 3339 time`,
	} {
		t.Run(recipients, func(t *testing.T) {
			got := describe(planned(t, `{"type":"e","r":`+recipients+`}`, mapped("triggerWorkflow", `"workflow":"w","recipients":"body.r"`)))
			if diff := cmp.Diff("skipped "+want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnActionRunsOnlyIfItsConditionIsTrue(t *testing.T) {
	for when, want := range map[string]string{
		"body.yes":                 "DELETE /v1/users/u",
		"body.n > 5":               "DELETE /v1/users/u",
		"!body.yes":                "skipped when: the condition is false",
		"body.nope":                "skipped when: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?",
		"body.nope > 5":            "skipped when: body.nope is not in the event; body has no nope, only type, key, user, n, neg, half, exp, nil and 10 more; did you mean body.none?",
		"body.nil":                 "skipped when: body.nil is null, not a boolean",
		"body.user":                "skipped when: body.user is a string, not a boolean",
		"body.n":                   "skipped when: body.n is a number, not a boolean",
		"body.user > 5":            "skipped when: body.user > 5: cannot compare a string with an integer; convert one with string(), int() or double()",
		"body.n / 0 > 1":           "skipped when: division by zero",
		"has(body.nope)":           "skipped when: the condition is false",
		"body.?nope.orValue(true)": "DELETE /v1/users/u",
	} {
		t.Run(when, func(t *testing.T) {
			got := describe(planned(t, sample, mapped("deleteUser", `"id":"'u'"`, `"when":"`+when+`"`)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Invalid values in these fields do not prevent the call. They are omitted, with a note.
func TestAnOmittedFieldGetsANote(t *testing.T) {
	for name, tc := range map[string]struct{ body, parameters, want string }{
		"texts and times of the wrong type": {
			`{"type":"e","name":["x"],"email":5,"at":"yesterday"}`, `"id":"'u'","name":"body.name","email":"body.email","createdAt":"body.at","avatar":"body.type"`,
			"PUT /v1/users/u {\"avatar\":\"e\"}\nnote name omitted: it is a list, not a string\n" +
				"note email omitted: it is a number, not a string\nnote createdAt omitted: it is not an RFC 3339 time",
		},
		"null and missing texts get no note": {
			`{"type":"e","name":null}`, `"id":"'u'","name":"body.name","email":"body.email"`, `PUT /v1/users/u {}`,
		},
		"an empty text is kept": {
			`{"type":"e","name":""}`, `"id":"'u'","name":"body.name"`, `PUT /v1/users/u {"name":""}`,
		},
		"names that Knock reserves": {
			`{"type":"e","from":{"id":1,"created_at":"x","preferences":{},"plan":"pro","email":null,"avatar":7}}`, `"id":"'u'","propertiesFrom":"body.from"`,
			"PUT /v1/users/u {\"plan\":\"pro\",\"email\":null}\nnote id omitted: Knock reserves this name\nnote created_at omitted: Knock reserves this name\n" +
				"note preferences omitted: Knock reserves this name\nnote avatar omitted: it is a number, not a string",
		},
		"a reserved name with a JSON escape": {
			`{"type":"e","from":{"\u0069d":1,"plan":"pro"}}`, `"id":"'u'","propertiesFrom":"body.from"`,
			"PUT /v1/users/u {\"plan\":\"pro\"}\nnote id omitted: Knock reserves this name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(planned(t, tc.body, mapped("identifyUser", tc.parameters)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
