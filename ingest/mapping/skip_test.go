// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// TestIDs has every way in which an ID cannot serve, in the path and in the body.
func TestIDs(t *testing.T) {
	for expression, want := range map[string]string{
		"body.nope":        "skipped id: body.nope is missing, null or empty in the event",
		"body.nil":         "skipped id: body.nil is missing, null or empty in the event",
		"body.empty":       "skipped id: body.empty is missing, null or empty in the event",
		"body.type.deeper": "skipped id: body.type.deeper is missing, null or empty in the event",
		"body.nope + 'x'":  "skipped id: body.nope + 'x' is missing, null or empty in the event",
		"body.?nope":       "skipped id: body.?nope is missing, null or empty in the event",
		"body.yes":         "skipped id: body.yes is a boolean, want a string or an integer",
		"body.many":        "skipped id: body.many is a list, want a string or an integer",
		"body.obj":         "skipped id: body.obj is an object, want a string or an integer",
		"body.half":        "skipped id: body.half is a number with a fraction or an exponent, want a string or an integer",
		"body.exp":         "skipped id: body.exp is a number with a fraction or an exponent, want a string or an integer",
		"body.user + 1":    "skipped id: no such overload: string + int; convert with int(), double() or string()",
		"body.slash":       `skipped user id has a "/" or "#", which Knock does not take`,
		"'#'":              `skipped user id has a "/" or "#", which Knock does not take`,
		"body.dots":        `skipped user id is "..", which a URL takes for a folder`,
		"'.'":              `skipped user id is ".", which a URL takes for a folder`,
		"'a\\nb'":          "skipped user id has a control character",
		"body.long":        "skipped user id has 257 bytes; Knock takes at most 256",
		"'%2F'":            "DELETE /v1/users/%252F",
		"'a?b&c+d e'":      "DELETE /v1/users/a%3Fb&c%2Bd%20e",
		"'é'":              "DELETE /v1/users/%C3%A9",
	} {
		t.Run(expression, func(t *testing.T) {
			got := describe(planned(t, sample, mapped(document.DeleteUser, `"id":"`+escaped(expression)+`"`)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSkippedActions names field, place and reason, for the other parameters.
func TestSkippedActions(t *testing.T) {
	for name, tc := range map[string]struct {
		action           document.ActionName
		parameters, want string
	}{
		"merge without the other user":       {document.MergeUser, `"id":"'u'","fromUserID":"body.nil"`, `fromUserID: body.nil is missing, null or empty in the event`},
		"merge from an id no path takes":     {document.MergeUser, `"id":"'u'","fromUserID":"body.slash"`, `fromUser id has a "/" or "#", which Knock does not take`},
		"a collection that finds nothing":    {document.SetObject, `"collection":"=body.nope","id":"'o'"`, `collection: body.nope is missing, null or empty in the event`},
		"a collection no path takes":         {document.DeleteObject, `"collection":"=body.dots","id":"'o'"`, `collection id is "..", which a URL takes for a folder`},
		"an object's id that is a list":      {document.SetObject, `"collection":"c","id":"body.many"`, `id: body.many is a list, want a string or an integer`},
		"a tenant's id no path takes":        {document.SetTenant, `"id":"body.slash"`, `tenant id has a "/" or "#", which Knock does not take`},
		"a tenant to delete that is empty":   {document.DeleteTenant, `"id":"body.empty"`, `id: body.empty is missing, null or empty in the event`},
		"propertiesFrom a text":              {document.IdentifyUser, `"id":"'u'","propertiesFrom":"body.user"`, `propertiesFrom: body.user is a string, want an object`},
		"propertiesFrom a list for a tenant": {document.SetTenant, `"id":"'t'","propertiesFrom":"body.many"`, `propertiesFrom: body.many is a list, want an object`},
		"propertiesFrom a number to subscribe": {
			document.Subscribe, `"collection":"c","id":"'o'","recipients":"'r'","propertiesFrom":"body.n"`, `propertiesFrom: body.n is a number, want an object`,
		},
		"a property that fails":          {document.SetObject, `"collection":"c","id":"'o'","properties":{"p":"body.user + 1"}`, `properties.p: no such overload: string + int; convert with int(), double() or string()`},
		"a fixed field that fails":       {document.IdentifyUser, `"id":"'u'","name":"body.user + body.yes"`, `name: no such overload: string + bool; convert with int(), double() or string()`},
		"a tenant's setting that fails":  {document.SetTenant, `"id":"'t'","settings":{"s":"body.n / (body.n - body.n)"}`, `settings.s: division by zero`},
		"subscribe nobody":               {document.Subscribe, `"collection":"c","id":"'o'","recipients":"body.none"`, `recipients: the list is empty`},
		"unsubscribe who is missing":     {document.Unsubscribe, `"collection":"c","id":"'o'","recipients":"body.nope"`, `recipients: body.nope is missing or null in the event`},
		"an audience that finds nothing": {document.AddAudienceMember, `"audience":"=body.nope","members":"'u'"`, `audience: body.nope is missing, null or empty in the event`},
		"members that are missing":       {document.RemoveAudienceMember, `"audience":"a","members":"body.nil"`, `members: body.nil is missing or null in the event`},
		"a member that is an object": {
			document.AddAudienceMember, `"audience":"a","members":"['x', 'x', {'collection': 'c', 'id': 'o'}]"`,
			`members[2]: "c" is an object's collection; only users can be in an audience`,
		},
		"a tenant that is a list":            {document.AddAudienceMember, `"audience":"a","members":"'u'","tenant":"body.many"`, `tenant: body.many is a list, want a string or an integer`},
		"cancel without a key":               {document.CancelWorkflow, `"workflow":"w","cancellationKey":"body.empty"`, `cancellationKey: body.empty is missing, null or empty in the event`},
		"cancel for a bad recipient":         {document.CancelWorkflow, `"workflow":"w","cancellationKey":"'k'","recipients":"['a', true]"`, `recipients[1]: it is a boolean, want an id or an object with an id`},
		"cancel for an empty list":           {document.CancelWorkflow, `"workflow":"w","cancellationKey":"'k'","recipients":"body.none"`, `recipients: the list is empty`},
		"a workflow that finds nothing":      {document.TriggerWorkflow, `"workflow":"=body.nope","recipients":"'r'"`, `workflow: body.nope is missing, null or empty in the event`},
		"a workflow no path takes":           {document.TriggerWorkflow, `"workflow":"=body.slash","recipients":"'r'"`, `workflow id has a "/" or "#", which Knock does not take`},
		"a trigger for nobody":               {document.TriggerWorkflow, `"workflow":"w","recipients":"body.empty"`, `recipients: body.empty: the id is empty`},
		"dataFrom a text":                    {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","dataFrom":"body.user"`, `dataFrom: body.user is a string, want an object`},
		"a datum that fails":                 {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","data":{"d":"body.many[9]"}`, `data.d: index out of bounds: 9`},
		"an actor that is a boolean":         {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","actor":"body.yes"`, `actor: body.yes: it is a boolean, want an id or an object with an id`},
		"a tenant without an id":             {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","tenant":"body.obj"`, `tenant: body.obj: the object has no id`},
		"a cancellation key with a fraction": {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","cancellationKey":"body.half"`, `cancellationKey: body.half is a number with a fraction or an exponent, want a string or an integer`},
		"a setting that is no boolean":       {document.TriggerWorkflow, `"workflow":"w","recipients":"'r'","settings":{"skip_delay":"body.user"}`, `settings.skip_delay: it is a string, want a boolean`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff("skipped "+tc.want, describe(planned(t, sample, mapped(tc.action, tc.parameters)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBadRecipients names the element and what is wrong with it.
func TestBadRecipients(t *testing.T) {
	for recipients, want := range map[string]string{
		`null`:                          `recipients: body.r is missing or null in the event`,
		`""`:                            `recipients: body.r: the id is empty`,
		`true`:                          `recipients: body.r: it is a boolean, want an id or an object with an id`,
		`1.5`:                           `recipients: body.r: it is a number with a fraction or an exponent, want an id or an object with an id`,
		`{}`:                            `recipients: body.r: the object has no id`,
		`{"collection":"c"}`:            `recipients: body.r: the object has no id`,
		`[]`:                            `recipients: the list is empty`,
		` [ ] `:                         `recipients: the list is empty`,
		`["a",null]`:                    `recipients[1]: it is null, want an id or an object with an id`,
		`["a","a",""]`:                  `recipients[2]: the id is empty`,
		`["a",["b"]]`:                   `recipients[1]: it is a list, want an id or an object with an id`,
		`[{"id":""}]`:                   `recipients[0]: the object's id must be a string that is not empty, or an integer`,
		`[{"id":null}]`:                 `recipients[0]: the object's id must be a string that is not empty, or an integer`,
		`[{"id":1.0}]`:                  `recipients[0]: the object's id must be a string that is not empty, or an integer`,
		`{"id":"u","collection":1}`:     `recipients: body.r: the object's collection must be a string that is not empty`,
		`{"id":"u","collection":""}`:    `recipients: body.r: the object's collection must be a string that is not empty`,
		`["a",{"id":"u","email":5}]`:    `recipients[1]: the object's email: it is a number, want a string`,
		`{"id":"u","created_at":"now"}`: `recipients: body.r: the object's created_at: it is not an RFC 3339 time`,
	} {
		t.Run(recipients, func(t *testing.T) {
			got := describe(planned(t, `{"type":"e","r":`+recipients+`}`, mapped(document.TriggerWorkflow, `"workflow":"w","recipients":"body.r"`)))
			if diff := cmp.Diff("skipped "+want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWhen has what a condition can come to.
func TestWhen(t *testing.T) {
	for when, want := range map[string]string{
		"body.yes":                 "DELETE /v1/users/u",
		"body.n > 5":               "DELETE /v1/users/u",
		"!body.yes":                "skipped when: not met",
		"body.nope":                "skipped when: body.nope is not in the event",
		"body.nope > 5":            "skipped when: nope is not in the event",
		"body.nil":                 "skipped when: body.nil is null",
		"body.user":                "skipped when: body.user is a string, want a boolean",
		"body.n":                   "skipped when: body.n is a number, want a boolean",
		"body.user > 5":            "skipped when: no such overload: string > int; convert with int(), double() or string()",
		"body.n / 0 > 1":           "skipped when: division by zero",
		"has(body.nope)":           "skipped when: not met",
		"body.?nope.orValue(true)": "DELETE /v1/users/u",
	} {
		t.Run(when, func(t *testing.T) {
			got := describe(planned(t, sample, mapped(document.DeleteUser, `"id":"'u'"`, `"when":"`+when+`"`)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWhatIsLeftOutIsNoted has the fields that do not cost the rest of the action.
func TestWhatIsLeftOutIsNoted(t *testing.T) {
	for name, tc := range map[string]struct{ body, parameters, want string }{
		"texts and times of the wrong type": {
			`{"type":"e","name":["x"],"email":5,"at":"yesterday"}`, `"id":"'u'","name":"body.name","email":"body.email","createdAt":"body.at","avatar":"body.type"`,
			"PUT /v1/users/u {\"avatar\":\"e\"}\nnote name: left out, it is a list, want a string\n" +
				"note email: left out, it is a number, want a string\nnote createdAt: left out, it is not an RFC 3339 time",
		},
		"null and missing texts, without a note": {
			`{"type":"e","name":null}`, `"id":"'u'","name":"body.name","email":"body.email"`, `PUT /v1/users/u {}`,
		},
		"an empty text stays": {
			`{"type":"e","name":""}`, `"id":"'u'","name":"body.name"`, `PUT /v1/users/u {"name":""}`,
		},
		"names that Knock reserves": {
			`{"type":"e","from":{"id":1,"created_at":"x","preferences":{},"plan":"pro","email":null,"avatar":7}}`, `"id":"'u'","propertiesFrom":"body.from"`,
			"PUT /v1/users/u {\"plan\":\"pro\",\"email\":null}\nnote id: left out, Knock reserves this name\nnote created_at: left out, Knock reserves this name\n" +
				"note preferences: left out, Knock reserves this name\nnote avatar: left out, it is a number, want a string",
		},
		"a reserved name behind escapes": {
			`{"type":"e","from":{"\u0069d":1,"plan":"pro"}}`, `"id":"'u'","propertiesFrom":"body.from"`,
			"PUT /v1/users/u {\"plan\":\"pro\"}\nnote id: left out, Knock reserves this name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(planned(t, tc.body, mapped(document.IdentifyUser, tc.parameters)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
