// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// This file has the actions on subscriptions and audiences. They split a list that is too long for one call.

func (b *builder) subscribe() ([]knock.Request, error) {
	properties, err := b.object(paramPropertiesFrom, paramProperties)
	if err != nil {
		return nil, err
	}
	return b.subscriptions(knock.Subscribe, recipient.appendInline, properties)
}

func (b *builder) unsubscribe() ([]knock.Request, error) {
	return b.subscriptions(knock.Unsubscribe, recipient.appendReference, nil)
}

func (b *builder) subscriptions(
	endpoint knock.Endpoint, appendOne func(recipient, []byte) []byte, properties []byte,
) ([]knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return nil, err
	}
	list, err := b.recipients(paramRecipients)
	if err != nil {
		return nil, err
	}
	return inParts(list, knock.MaxSubscriptionRecipients, func(part []recipient, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("recipients", appendList(nil, part, appendOne))
		if properties != nil {
			body.Add("properties", properties)
		}
		return knock.NewRequestWithBody(endpoint, body.Bytes(), collection, id)
	})
}

func (b *builder) addAudienceMembers() ([]knock.Request, error) {
	requests, err := b.audienceMembers(knock.AddAudienceMember)
	if b.mapping.flags[paramCreateAudience.name] {
		for i := range requests {
			requests[i].Path += "?create_audience=true"
		}
	}
	return requests, err
}

func (b *builder) removeAudienceMembers() ([]knock.Request, error) {
	return b.audienceMembers(knock.RemoveAudienceMember)
}

func (b *builder) audienceMembers(endpoint knock.Endpoint) ([]knock.Request, error) {
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
	encoded := make([][]byte, len(list))
	for i, r := range list {
		if r.collection != "" && r.collection != "$users" {
			return nil, fmt.Errorf("members[%d]: it is an object of the collection %q; an audience can only have users", r.index, r.collection)
		}
		encoded[i] = audienceMember(r, tenant)
	}
	return inParts(encoded, knock.MaxAudienceMembers, func(part [][]byte, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("members", rawjson.List(part))
		return knock.NewRequestWithBody(endpoint, body.Bytes(), audience)
	})
}

// audienceMember returns a member of an audience as Knock expects it: a user with an optional tenant.
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
