// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// The actions on lists of recipients, cut to what Knock takes in one call.

func (b *builder) subscribe() ([]knock.Request, error) {
	properties, err := b.object(paramPropertiesFrom, paramProperties)
	if err != nil {
		return nil, err
	}
	return b.subscriptions(knock.Subscribe, recipient.json, properties)
}

func (b *builder) unsubscribe() ([]knock.Request, error) {
	return b.subscriptions(knock.Unsubscribe, recipient.reference, nil)
}

func (b *builder) subscriptions(
	call func(collection, id string, body []byte) (knock.Request, error), as func(recipient) []byte, properties []byte,
) ([]knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return nil, err
	}
	list, err := b.recipients(paramRecipients)
	if err != nil {
		return nil, err
	}
	return each(list, knock.MaxSubscriptionRecipients, func(part []recipient, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("recipients", listOf(part, as))
		if properties != nil {
			body.Add("properties", properties)
		}
		return call(collection, id, body.Bytes())
	})
}

func (b *builder) audienceMembers() ([]knock.Request, error) {
	audience, err := b.id(paramAudience)
	if err != nil {
		return nil, err
	}
	list, err := b.recipients(paramMembers)
	if err != nil {
		return nil, err
	}
	tenant, err := b.optionalID(paramTenant)
	if err != nil {
		return nil, err
	}
	members := make([][]byte, len(list))
	for i, r := range list {
		if r.collection != "" && r.collection != "$users" {
			return nil, fmt.Errorf("members[%d]: %q is an object's collection; only users can be in an audience", r.at, r.collection)
		}
		members[i] = audienceMember(r, tenant)
	}
	return each(members, knock.MaxAudienceMembers, func(part [][]byte, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("members", rawjson.List(part))
		if b.mapping.action == document.RemoveAudienceMember {
			return knock.RemoveAudienceMembers(audience, body.Bytes())
		}
		return knock.AddAudienceMembers(audience, b.mapping.flags[paramCreateAudience], body.Bytes())
	})
}

func audienceMember(r recipient, tenant string) []byte {
	user := r.inline
	if user == nil || r.collection != "" {
		user = rawjson.Overlay(nil, []rawjson.Field{{Name: "id", Value: rawjson.Quote(r.id)}})
	}
	var m rawjson.Builder
	m.Add("user", user)
	if tenant != "" {
		m.Add("tenant", rawjson.Quote(tenant))
	}
	return m.Bytes()
}

// each makes the call for every part of at most n of the list; just once for an empty one.
func each[T any](list []T, n int, call func(part []T, index int) (knock.Request, error)) ([]knock.Request, error) {
	requests := make([]knock.Request, 0, 1+len(list)/n)
	for len(requests) == 0 || len(list) > 0 {
		part := list[:min(n, len(list))]
		request, err := call(part, len(requests))
		if err != nil {
			return nil, err
		}
		requests, list = append(requests, request), list[len(part):]
	}
	return requests, nil
}
