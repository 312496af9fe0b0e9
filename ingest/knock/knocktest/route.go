// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// route is one call of Knock's API.
type route struct {
	endpoint knock.Endpoint
	method   string
	path     string   // a part in braces takes an ID
	query    []string // boolean parameters
	rate     int      // published calls a second
	body     *schema  // nil for none
	status   int
	act      func(*world, *call) (any, *refusal)
}

// call is a request that passed the checks.
type call struct {
	ids   map[string]string
	query url.Values
	body  map[string]any
	key   string // Idempotency-Key
}

// routes are the calls that Doorbell makes; whatever else Knock has is refused.
func routes() []route {
	const (
		put, post, get, del = http.MethodPut, http.MethodPost, http.MethodGet, http.MethodDelete
		ok, empty           = http.StatusOK, http.StatusNoContent
	)
	return []route{
		{knock.IdentifyUser, put, "/v1/users/{user}", nil, 60, new(user()), ok, (*world).identify},
		{knock.DeleteUser, del, "/v1/users/{user}", nil, 5, nil, empty, (*world).deleteUser},
		{knock.MergeUser, post, "/v1/users/{user}/merge", nil, 5, mergeBody(), ok, (*world).mergeUser},
		{knock.BulkIdentify, post, "/v1/users/bulk/identify", nil, 1, bulkBody(), ok, (*world).bulkIdentify},
		{knock.BulkOperationStatus, get, "/v1/bulk_operations/{operation}", nil, 200, nil, ok, (*world).poll},
		{knock.SetObject, put, "/v1/objects/{collection}/{object}", nil, 60, objectBody(), ok, (*world).setObject},
		{knock.DeleteObject, del, "/v1/objects/{collection}/{object}", nil, 60, nil, empty, (*world).deleteObject},
		{knock.Subscribe, post, "/v1/objects/{collection}/{object}/subscriptions", nil, 60, subscribeBody(), ok, (*world).subscribe},
		{knock.Unsubscribe, del, "/v1/objects/{collection}/{object}/subscriptions", nil, 60, unsubscribeBody(), ok, (*world).unsubscribe},
		{knock.SetTenant, put, "/v1/tenants/{tenant}", []string{"resolve_full_preference_settings"}, 60, new(tenant()), ok, (*world).setTenant},
		{knock.DeleteTenant, del, "/v1/tenants/{tenant}", nil, 5, nil, empty, (*world).deleteTenant},
		{knock.AddAudienceMember, post, "/v1/audiences/{audience}/members", []string{"create_audience"}, 60, membersBody(), empty, (*world).addMembers},
		{knock.RemoveAudienceMember, del, "/v1/audiences/{audience}/members", nil, 60, membersBody(), empty, (*world).removeMembers},
		{knock.CancelWorkflow, post, "/v1/workflows/{workflow}/cancel", nil, 1000, cancelBody(), empty, (*world).cancel},
		{knock.TriggerWorkflow, post, "/v1/workflows/{workflow}/trigger", nil, 1000, triggerBody(), ok, (*world).trigger},
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

// find returns the call that a path, as it is on the wire, and a method name; the paths alone decide between 404 and 405.
func find(all []route, method, path string) (*route, map[string]string, *refusal) {
	if bad := unclean(path); bad != nil {
		return nil, nil, bad
	}
	refused := notFound("no such path")
	for index := range all {
		ids, ok := match(all[index].path, path)
		if !ok {
			continue
		}
		if all[index].method == method {
			return &all[index], ids, checkIDs(ids)
		}
		refused = &refusal{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "no such method"}
	}
	return nil, nil, refused
}

// match reads the IDs, unescaped, from a path that fits the pattern.
func match(pattern, path string) (map[string]string, bool) {
	wanted, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(wanted) != len(got) {
		return nil, false
	}
	ids := map[string]string{}
	for index, part := range wanted {
		if name, isID := strings.CutPrefix(part, "{"); isID {
			id, err := url.PathUnescape(got[index])
			if err != nil {
				return nil, false
			}
			ids[strings.TrimSuffix(name, "}")] = id
		} else if part != got[index] {
			return nil, false
		}
	}
	return ids, true
}

// unclean refuses what a server may read as another path: only a client that forgot to check an ID sends it.
func unclean(path string) *refusal {
	for _, part := range strings.Split(path, "/")[1:] {
		plain, err := url.PathUnescape(part)
		if err != nil || plain == "" || plain == "." || plain == ".." {
			return &refusal{status: http.StatusBadRequest, Code: "unclean_path", Message: "an empty or dot segment in " + path}
		}
	}
	return nil
}

func checkIDs(ids map[string]string) *refusal {
	for name, id := range ids {
		if reason := badID(id); reason != "" {
			return invalid(wrong(name, "%s", reason))
		}
	}
	return nil
}
