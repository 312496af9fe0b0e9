// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// made is what a constructor returned.
type made struct {
	request knock.Request
	err     error
}

func of(request knock.Request, err error) made { return made{request, err} }

func TestEveryCallIsFrozen(t *testing.T) {
	body := []byte(`{ "a": 1.50, "b": "<é&>" }`)
	frozen := json.RawMessage(`{"a":1.50,"b":"\u003cé\u0026\u003e"}`)
	for name, test := range map[string]struct {
		got  made
		want knock.Request
	}{
		"identify a user": {
			of(knock.IdentifyUser("u 1", body)),
			knock.Request{Endpoint: document.IdentifyUser, Method: http.MethodPut, Path: "/v1/users/u%201", Body: frozen},
		},
		"delete a user": {
			of(knock.DeleteUser("u1")),
			knock.Request{Endpoint: document.DeleteUser, Method: http.MethodDelete, Path: "/v1/users/u1"},
		},
		"merge a user": {
			of(knock.MergeUser("u1", `a"b`)),
			knock.Request{
				Endpoint: document.MergeUser, Method: http.MethodPost, Path: "/v1/users/u1/merge",
				Body: json.RawMessage(`{"from_user_id":"a\"b"}`),
			},
		},
		"set an object": {
			of(knock.SetObject("$orders", "o1", body)),
			knock.Request{Endpoint: document.SetObject, Method: http.MethodPut, Path: "/v1/objects/$orders/o1", Body: frozen},
		},
		"delete an object": {
			of(knock.DeleteObject("orders", "o1")),
			knock.Request{Endpoint: document.DeleteObject, Method: http.MethodDelete, Path: "/v1/objects/orders/o1"},
		},
		"subscribe": {
			of(knock.Subscribe("orders", "o1", body)),
			knock.Request{
				Endpoint: document.Subscribe, Method: http.MethodPost, Path: "/v1/objects/orders/o1/subscriptions", Body: frozen,
			},
		},
		"unsubscribe": {
			of(knock.Unsubscribe("orders", "o1", body)),
			knock.Request{
				Endpoint: document.Unsubscribe, Method: http.MethodDelete, Path: "/v1/objects/orders/o1/subscriptions", Body: frozen,
			},
		},
		"set a tenant": {
			of(knock.SetTenant("t1", body)),
			knock.Request{Endpoint: document.SetTenant, Method: http.MethodPut, Path: "/v1/tenants/t1", Body: frozen},
		},
		"delete a tenant": {
			of(knock.DeleteTenant("t1")),
			knock.Request{Endpoint: document.DeleteTenant, Method: http.MethodDelete, Path: "/v1/tenants/t1"},
		},
		"add members to an audience that exists": {
			of(knock.AddAudienceMembers("vip", false, body)),
			knock.Request{Endpoint: document.AddAudienceMember, Method: http.MethodPost, Path: "/v1/audiences/vip/members", Body: frozen},
		},
		"add members to an audience that may not exist": {
			of(knock.AddAudienceMembers("vip", true, body)),
			knock.Request{
				Endpoint: document.AddAudienceMember, Method: http.MethodPost,
				Path: "/v1/audiences/vip/members?create_audience=true", Body: frozen,
			},
		},
		"remove members": {
			of(knock.RemoveAudienceMembers("vip", body)),
			knock.Request{
				Endpoint: document.RemoveAudienceMember, Method: http.MethodDelete, Path: "/v1/audiences/vip/members", Body: frozen,
			},
		},
		"cancel a workflow": {
			of(knock.CancelWorkflow("order", body)),
			knock.Request{Endpoint: document.CancelWorkflow, Method: http.MethodPost, Path: "/v1/workflows/order/cancel", Body: frozen},
		},
		"trigger a workflow": {
			of(knock.TriggerWorkflow("order", "k1", body)),
			knock.Request{
				Endpoint: document.TriggerWorkflow, Method: http.MethodPost, Path: "/v1/workflows/order/trigger",
				Body: frozen, IdempotencyKey: "k1",
			},
		},
		"identify users in bulk, each under the ID that it was given": {
			of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: body}, {ID: "u2", Body: []byte("{ }")}})),
			knock.Request{
				Endpoint: knock.BulkIdentify, Method: http.MethodPost, Path: "/v1/users/bulk/identify",
				Body: json.RawMessage(`{"users":[{"a":1.50,"b":"\u003cé\u0026\u003e","id":"u1"},{"id":"u2"}]}`),
			},
		},
		"ask for a bulk operation": {
			of(knock.GetBulkOperation("b1")),
			knock.Request{Endpoint: knock.BulkOperationStatus, Method: http.MethodGet, Path: "/v1/bulk_operations/b1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.got.err != nil {
				t.Fatal(test.got.err)
			}
			if diff := cmp.Diff(test.want, test.got.request); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.got.request, stored(t, stored(t, test.got.request))); diff != "" {
				t.Errorf("storing it changed it (-before +after)\n%s", diff)
			}
		})
	}
}

// stored is the request after it was in Redis.
func stored(t *testing.T, request knock.Request) knock.Request {
	t.Helper()
	encoded, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var decoded knock.Request
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestCheckID(t *testing.T) {
	for id, want := range map[string]string{
		"u1": "", "a b": "", "100%": "", "é": "", "a?x=1": "", "a;b": "", "a+b@example.com": "", "...": "", "%2e%2e": "", `a\b`: "",
		strings.Repeat("a", 256): "",
		"":                       "is empty",
		".":                      `is ".", which a URL takes for a folder`,
		"..":                     `is "..", which a URL takes for a folder`,
		"../tenants/t1":          `has a "/" or "#", which Knock does not take`,
		"a/b":                    `has a "/" or "#", which Knock does not take`,
		"a#b":                    `has a "/" or "#", which Knock does not take`,
		"a\nb":                   "has a control character",
		"a\u0085b":               "has a control character",
		"\xff":                   "is not valid UTF-8",
		strings.Repeat("a", 257): "has 257 bytes; Knock takes at most 256",
		strings.Repeat("é", 200): "has 400 bytes; Knock takes at most 256",
	} {
		var got string
		if refused, ok := errors.AsType[*knock.IDError](knock.CheckID(id)); ok {
			got = refused.Reason
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

func TestABadIDIsNamed(t *testing.T) {
	body := []byte("{}")
	for name, test := range map[string]struct {
		got  made
		want string
	}{
		"user to identify":    {of(knock.IdentifyUser("..", body)), "user"},
		"user to delete":      {of(knock.DeleteUser("a/b")), "user"},
		"user to merge into":  {of(knock.MergeUser("", "u2")), "user"},
		"user to merge":       {of(knock.MergeUser("u1", "a#b")), "fromUser"},
		"collection":          {of(knock.SetObject("..", "o1", body)), "collection"},
		"object":              {of(knock.DeleteObject("orders", ".")), "object"},
		"object to follow":    {of(knock.Subscribe("orders", "", body)), "object"},
		"object to unfollow":  {of(knock.Unsubscribe("a/b", "o1", body)), "collection"},
		"tenant to set":       {of(knock.SetTenant("a/b", body)), "tenant"},
		"tenant to delete":    {of(knock.DeleteTenant("..")), "tenant"},
		"audience to fill":    {of(knock.AddAudienceMembers("a/b", true, body)), "audience"},
		"audience to empty":   {of(knock.RemoveAudienceMembers("", body)), "audience"},
		"workflow to cancel":  {of(knock.CancelWorkflow("../x", body)), "workflow"},
		"workflow to trigger": {of(knock.TriggerWorkflow("..", "k", body)), "workflow"},
		"row of a bulk call":  {of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "a/b", Body: body}})), "user"},
		"bulk operation":      {of(knock.GetBulkOperation("a/b")), "bulkOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			refused, ok := errors.AsType[*knock.IDError](test.got.err)
			if !ok || refused.Field != test.want {
				t.Errorf("got %v, want an ID error for %s", test.got.err, test.want)
			}
		})
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	for name, test := range map[string]made{
		"a body that is a list":                   of(knock.IdentifyUser("u1", []byte(`[]`))),
		"a body that is empty":                    of(knock.IdentifyUser("u1", nil)),
		"a body that is cut off":                  of(knock.IdentifyUser("u1", []byte(`{"a":`))),
		"two bodies":                              of(knock.IdentifyUser("u1", []byte(`{}{}`))),
		"an idempotency key of 256 characters":    of(knock.TriggerWorkflow("w", strings.Repeat("k", 256), []byte(`{}`))),
		"an idempotency key with a line break":    of(knock.TriggerWorkflow("w", "a\nb", []byte(`{}`))),
		"an idempotency key that is not ASCII":    of(knock.TriggerWorkflow("w", "é", []byte(`{}`))),
		"a bulk call without users":               of(knock.BulkIdentifyUsers(nil)),
		"a bulk call with 1001 users":             of(knock.BulkIdentifyUsers(make([]knock.BulkUser, 1001))),
		"a bulk call with a row that is a string": of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: []byte(`"x"`)}})),
	} {
		t.Run(name, func(t *testing.T) {
			if test.err == nil {
				t.Errorf("made %+v", test.request)
			}
		})
	}
}

// FuzzID checks that whatever the ID, a call cannot become another one.
func FuzzID(f *testing.F) {
	for _, id := range []string{"u1", "100%", "a b", "é", "a?x=1", "a;b", "..", "../tenants/t1", "%2e%2e", "a%2Fb", "a\r\nHost: x", "a+b", "a&b=c"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		request, err := knock.MergeUser(id, "u2")
		if err != nil {
			return
		}
		parsed, err := url.ParseRequestURI(request.Path)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(parsed.EscapedPath(), "/")
		plain, err := url.PathUnescape(parts[3])
		want := []string{"", "v1", "users", parts[3], "merge"}
		if diff := cmp.Diff(want, parts); diff != "" || err != nil || plain != id || parsed.RawQuery != "" {
			t.Errorf("%q became %q: %v %s", id, request.Path, err, diff)
		}
		if cleaned := parsed.JoinPath().EscapedPath(); cleaned != request.Path {
			t.Errorf("%q becomes %q when cleaned", request.Path, cleaned)
		}
	})
}
