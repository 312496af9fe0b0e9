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
	path     string   // a segment in braces is a placeholder for an ID
	query    []string // the names of boolean parameters
	rate     int      // Knock's published limit in calls a second
	body     *schema  // nil for a call without a body
	status   int      // of a success
	act      func(*store, *call) (any, *rejection)
}

// call is a request that passed all checks.
type call struct {
	ids   map[string]string
	query url.Values
	body  map[string]any
	key   string // the idempotency key

	header map[string]string // of the response to a success
}

// routes returns the calls that Doorbell makes. The fake rejects all other calls of Knock's API. Methods, paths and
// rates repeat the table in the package knock on purpose: they come from Knock's documentation, so that the fake finds
// mistakes in that table.
func routes() []route {
	const (
		put, post, get, del = http.MethodPut, http.MethodPost, http.MethodGet, http.MethodDelete
		ok, empty           = http.StatusOK, http.StatusNoContent
	)
	return []route{
		{knock.IdentifyUser, put, "/v1/users/{user}", nil, 60, new(user()), ok, (*store).identify},
		{knock.DeleteUser, del, "/v1/users/{user}", nil, 5, nil, empty, (*store).deleteUser},
		{knock.MergeUser, post, "/v1/users/{user}/merge", nil, 5, mergeBody(), ok, (*store).mergeUser},
		{knock.BulkIdentify, post, "/v1/users/bulk/identify", nil, 1, bulkBody(), ok, (*store).bulkIdentify},
		{knock.BulkOperationStatus, get, "/v1/bulk_operations/{operation}", nil, 200, nil, ok, (*store).poll},
		{knock.SetObject, put, "/v1/objects/{collection}/{object}", nil, 60, objectBody(), ok, (*store).setObject},
		{knock.DeleteObject, del, "/v1/objects/{collection}/{object}", nil, 60, nil, empty, (*store).deleteObject},
		{knock.Subscribe, post, "/v1/objects/{collection}/{object}/subscriptions", nil, 60, subscribeBody(), ok, (*store).subscribe},
		{knock.Unsubscribe, del, "/v1/objects/{collection}/{object}/subscriptions", nil, 60, unsubscribeBody(), ok, (*store).unsubscribe},
		{knock.SetTenant, put, "/v1/tenants/{tenant}", []string{"resolve_full_preference_settings"}, 60, new(tenant()), ok, (*store).setTenant},
		{knock.DeleteTenant, del, "/v1/tenants/{tenant}", nil, 5, nil, empty, (*store).deleteTenant},
		{knock.AddAudienceMember, post, "/v1/audiences/{audience}/members", []string{"create_audience"}, 60, membersBody(), empty, (*store).addMembers},
		{knock.RemoveAudienceMember, del, "/v1/audiences/{audience}/members", nil, 60, membersBody(), empty, (*store).removeMembers},
		{knock.CancelWorkflow, post, "/v1/workflows/{workflow}/cancel", nil, 1000, cancelBody(), empty, (*store).cancel},
		{knock.TriggerWorkflow, post, "/v1/workflows/{workflow}/trigger", nil, 1000, triggerBody(), ok, (*store).trigger},
	}
}

// find returns the route for a method and an escaped path, and the IDs in the path. If there is no such path it returns
// a 404 response, and if the path has no such method a 405 response.
func find(all []route, method, path string) (*route, map[string]string, *rejection) {
	if invalid := checkPath(path); invalid != nil {
		return nil, nil, invalid
	}
	rejected := notFound("unknown path")
	for index := range all {
		ids, ok := match(all[index].path, path)
		if !ok {
			continue
		}
		if all[index].method == method {
			return &all[index], ids, checkIDs(ids)
		}
		rejected = &rejection{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "the path does not support this method"}
	}
	return nil, nil, rejected
}

// match reports whether a path matches the pattern, and returns the unescaped IDs in it by name.
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

// checkPath rejects a path with an empty segment or a dot segment, which a server may read as another path. Only a
// client that does not check its IDs sends one.
func checkPath(path string) *rejection {
	for _, part := range strings.Split(path, "/")[1:] {
		plain, err := url.PathUnescape(part)
		if err != nil || plain == "" || plain == "." || plain == ".." {
			return &rejection{status: http.StatusBadRequest, Code: "unclean_path", Message: "the path has an empty or dot segment: " + path}
		}
	}
	return nil
}

func checkIDs(ids map[string]string) *rejection {
	for name, id := range ids {
		if reason := idProblem(id); reason != "" {
			return invalid(wrong(name, "%s", reason))
		}
	}
	return nil
}
