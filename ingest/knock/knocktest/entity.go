// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"maps"
	"strings"
)

func (s *store) identify(c *call) (any, *rejection) {
	id := c.ids["user"]
	s.Users[id] = merge(s.Users[id], c.body)
	return s.userView(id), nil
}

func (s *store) deleteUser(c *call) (any, *rejection) {
	delete(s.Users, c.ids["user"])
	return nil, nil
}

func (s *store) mergeUser(c *call) (any, *rejection) {
	id, from := c.ids["user"], name(c.body["from_user_id"])
	if s.Users[id] == nil || s.Users[from] == nil {
		return nil, notFound("the user was not found")
	}
	s.Users[id] = merge(s.Users[from], s.Users[id])
	delete(s.Users, from)
	return s.userView(id), nil
}

func (s *store) setObject(c *call) (any, *rejection) {
	name := objectName(c)
	s.Objects[name] = merge(s.Objects[name], c.body)
	return s.objectView(c.ids["collection"], c.ids["object"]), nil
}

func (s *store) deleteObject(c *call) (any, *rejection) {
	delete(s.Objects, objectName(c))
	delete(s.Subscriptions, objectName(c))
	return nil, nil
}

func (s *store) setTenant(c *call) (any, *rejection) {
	id := c.ids["tenant"]
	s.Tenants[id] = merge(s.Tenants[id], c.body)
	view := without(s.Tenants[id], "preferences", "channel_data")
	view["__typename"], view["id"] = "Tenant", id
	return view, nil
}

func (s *store) deleteTenant(c *call) (any, *rejection) {
	delete(s.Tenants, c.ids["tenant"])
	return nil, nil
}

func (s *store) addMembers(c *call) (any, *rejection) {
	audience := c.ids["audience"]
	if s.members[audience] == nil {
		if c.query.Get("create_audience") != "true" {
			return nil, notFound("the audience was not found")
		}
		s.members[audience] = map[string]bool{}
	}
	for _, member := range list(c.body, "members") {
		s.members[audience][s.member(member)] = true
	}
	return nil, nil
}

func (s *store) removeMembers(c *call) (any, *rejection) {
	members, ok := s.members[c.ids["audience"]]
	if !ok {
		return nil, notFound("the audience was not found")
	}
	for _, member := range list(c.body, "members") {
		delete(members, s.member(member))
	}
	return nil, nil
}

// member returns the ID of a member's user. If the user has more properties than the ID, member creates or updates it.
func (s *store) member(member any) string {
	described, _ := member.(map[string]any)
	user, _ := described["user"].(map[string]any)
	if len(user) > 1 {
		s.refer(user)
	}
	return name(user)
}

func (s *store) subscribe(c *call) (any, *rejection) {
	object := objectName(c)
	if s.Objects[object] == nil {
		s.Objects[object] = Properties{}
	}
	if s.Subscriptions[object] == nil {
		s.Subscriptions[object] = map[string]Properties{}
	}
	properties, _ := c.body["properties"].(map[string]any)
	views := []any{}
	for _, recipient := range list(c.body, "recipients") {
		reference, _ := s.refer(recipient)
		s.Subscriptions[object][reference] = merge(s.Subscriptions[object][reference], properties)
		views = append(views, s.subscriptionView(c, reference))
	}
	return views, nil
}

func (s *store) unsubscribe(c *call) (any, *rejection) {
	subscribers := s.Subscriptions[objectName(c)]
	views := []any{}
	for _, recipient := range list(c.body, "recipients") {
		if reference := name(recipient); subscribers[reference] != nil {
			views = append(views, s.subscriptionView(c, reference))
			delete(subscribers, reference)
		}
	}
	return views, nil
}

func objectName(c *call) string { return c.ids["collection"] + "/" + c.ids["object"] }

func (s *store) userView(id string) Properties {
	view := maps.Clone(s.Users[id])
	if view == nil {
		view = Properties{}
	}
	view["__typename"], view["id"], view["updated_at"] = "User", id, s.timestamp()
	return without(view, "preferences", "channel_data")
}

func (s *store) objectView(collection, id string) Properties {
	return Properties{
		"__typename": "Object", "id": id, "collection": collection, "updated_at": s.timestamp(),
		"properties": without(s.Objects[collection+"/"+id], "preferences", "channel_data"),
	}
}

func (s *store) subscriptionView(c *call, reference string) Properties {
	return Properties{
		"__typename": "Subscription", "inserted_at": s.timestamp(), "updated_at": s.timestamp(),
		"object":     s.objectView(c.ids["collection"], c.ids["object"]),
		"properties": s.Subscriptions[objectName(c)][reference], "recipient": s.recipientView(reference),
	}
}

func (s *store) recipientView(reference string) Properties {
	if collection, id, isObject := strings.Cut(reference, "/"); isObject {
		return s.objectView(collection, id)
	}
	return s.userView(reference)
}
