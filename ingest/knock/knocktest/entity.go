// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"maps"
	"strings"
)

func (w *world) identify(c *call) (any, *refusal) {
	id := c.ids["user"]
	w.Users[id] = merge(w.Users[id], c.body)
	return w.userView(id), nil
}

func (w *world) deleteUser(c *call) (any, *refusal) {
	delete(w.Users, c.ids["user"])
	return nil, nil
}

func (w *world) mergeUser(c *call) (any, *refusal) {
	id, from := c.ids["user"], name(c.body["from_user_id"])
	if w.Users[id] == nil || w.Users[from] == nil {
		return nil, notFound("the user was not found")
	}
	w.Users[id] = merge(w.Users[from], w.Users[id])
	delete(w.Users, from)
	return w.userView(id), nil
}

func (w *world) setObject(c *call) (any, *refusal) {
	name := objectName(c)
	w.Objects[name] = merge(w.Objects[name], c.body)
	return w.objectView(c.ids["collection"], c.ids["object"]), nil
}

func (w *world) deleteObject(c *call) (any, *refusal) {
	delete(w.Objects, objectName(c))
	delete(w.Subscriptions, objectName(c))
	return nil, nil
}

func (w *world) setTenant(c *call) (any, *refusal) {
	id := c.ids["tenant"]
	w.Tenants[id] = merge(w.Tenants[id], c.body)
	view := without(w.Tenants[id], "preferences", "channel_data")
	view["__typename"], view["id"] = "Tenant", id
	return view, nil
}

func (w *world) deleteTenant(c *call) (any, *refusal) {
	delete(w.Tenants, c.ids["tenant"])
	return nil, nil
}

func (w *world) addMembers(c *call) (any, *refusal) {
	audience := c.ids["audience"]
	if w.members[audience] == nil {
		if c.query.Get("create_audience") != "true" {
			return nil, notFound("the audience was not found")
		}
		w.members[audience] = map[string]bool{}
	}
	for _, member := range list(c.body, "members") {
		w.members[audience][w.member(member)] = true
	}
	return nil, nil
}

func (w *world) removeMembers(c *call) (any, *refusal) {
	members, ok := w.members[c.ids["audience"]]
	if !ok {
		return nil, notFound("the audience was not found")
	}
	for _, member := range list(c.body, "members") {
		delete(members, w.member(member))
	}
	return nil, nil
}

// member identifies a member's user, if it says more than its id, and returns the id.
func (w *world) member(member any) string {
	described, _ := member.(map[string]any)
	user, _ := described["user"].(map[string]any)
	if len(user) > 1 {
		w.refer(user)
	}
	return name(user)
}

func (w *world) subscribe(c *call) (any, *refusal) {
	object := objectName(c)
	if w.Objects[object] == nil {
		w.Objects[object] = Properties{}
	}
	if w.Subscriptions[object] == nil {
		w.Subscriptions[object] = map[string]Properties{}
	}
	properties, _ := c.body["properties"].(map[string]any)
	views := []any{}
	for _, recipient := range list(c.body, "recipients") {
		reference, _ := w.refer(recipient)
		w.Subscriptions[object][reference] = merge(w.Subscriptions[object][reference], properties)
		views = append(views, w.subscriptionView(c, reference))
	}
	return views, nil
}

func (w *world) unsubscribe(c *call) (any, *refusal) {
	subscribers := w.Subscriptions[objectName(c)]
	views := []any{}
	for _, recipient := range list(c.body, "recipients") {
		if reference := name(recipient); subscribers[reference] != nil {
			views = append(views, w.subscriptionView(c, reference))
			delete(subscribers, reference)
		}
	}
	return views, nil
}

func objectName(c *call) string { return c.ids["collection"] + "/" + c.ids["object"] }

func (w *world) userView(id string) Properties {
	view := maps.Clone(w.Users[id])
	if view == nil {
		view = Properties{}
	}
	view["__typename"], view["id"], view["updated_at"] = "User", id, w.timestamp()
	return without(view, "preferences", "channel_data")
}

func (w *world) objectView(collection, id string) Properties {
	return Properties{
		"__typename": "Object", "id": id, "collection": collection, "updated_at": w.timestamp(),
		"properties": without(w.Objects[collection+"/"+id], "preferences", "channel_data"),
	}
}

func (w *world) subscriptionView(c *call, reference string) Properties {
	return Properties{
		"__typename": "Subscription", "inserted_at": w.timestamp(), "updated_at": w.timestamp(),
		"object":     w.objectView(c.ids["collection"], c.ids["object"]),
		"properties": w.Subscriptions[objectName(c)][reference], "recipient": w.recipientView(reference),
	}
}

func (w *world) recipientView(reference string) Properties {
	if collection, id, isObject := strings.Cut(reference, "/"); isObject {
		return w.objectView(collection, id)
	}
	return w.userView(reference)
}
