// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// action describes one action of the ActionMapping resource.
type action struct {
	name       document.ActionName
	parameters []parameter
	// build returns the calls of the action for one event. An error is the reason to skip the action.
	build func(*builder) ([]knock.Request, error)
}

// actions lists every action in running order: if several mappings match an event, their actions run in the order of
// this table. It is the order in which Knock's own sources run their actions. Only mergeUser and cancelWorkflow are
// Doorbell's.
//
// To add an action, add its fields to the API, a line to this table, the endpoint to ingest/knock/endpoint.go, and a
// route to ingest/knock/knocktest/route.go. The tests in controllers/compile name the line that is missing.
var actions = []action{
	{"identifyUser", []parameter{
		paramID, paramName, paramEmail, paramPhoneNumber, paramAvatar, paramLocale, paramTimezone, paramCreatedAt,
		paramPropertiesFrom, paramProperties,
	}, single((*builder).identifyUser)},
	{"deleteUser", []parameter{paramID}, single(byID(knock.DeleteUser))},
	{"mergeUser", []parameter{paramID, paramFromUserID}, single((*builder).mergeUser)},
	{"setObject", []parameter{paramCollection, paramID, paramName, paramPropertiesFrom, paramProperties}, single((*builder).setObject)},
	{"deleteObject", []parameter{paramCollection, paramID}, single((*builder).deleteObject)},
	{"setTenant", []parameter{paramID, paramName, paramPropertiesFrom, paramProperties, paramSettings}, single((*builder).setTenant)},
	{"deleteTenant", []parameter{paramID}, single(byID(knock.DeleteTenant))},
	{"subscribe", []parameter{paramCollection, paramID, paramRecipients, paramPropertiesFrom, paramProperties}, (*builder).subscribe},
	{"unsubscribe", []parameter{paramCollection, paramID, paramRecipients}, (*builder).unsubscribe},
	{"addAudienceMember", []parameter{paramAudience, paramMembers, paramTenant, paramCreateAudience}, (*builder).addAudienceMembers},
	{"removeAudienceMember", []parameter{paramAudience, paramMembers, paramTenant}, (*builder).removeAudienceMembers},
	{"cancelWorkflow", []parameter{paramWorkflow, required(paramCancellationKey), optional(paramRecipients)}, (*builder).cancelWorkflow},
	{"triggerWorkflow", []parameter{
		paramWorkflow, paramRecipients, paramActor, paramTenant, paramCancellationKey, paramDataFrom, paramData, paramSettings,
	}, (*builder).triggerWorkflow},
}

// ActionNames returns the name of every action in running order.
func ActionNames() []document.ActionName {
	names := make([]document.ActionName, len(actions))
	for i := range actions {
		names[i] = actions[i].name
	}
	return names
}

// findAction returns the action with the name and its place in the running order. It returns nil for an unknown name.
func findAction(name document.ActionName) (found *action, place int) {
	for i := range actions {
		if actions[i].name == name {
			return &actions[i], i
		}
	}
	return nil, len(actions)
}

// parameter describes one field of an action.
type parameter struct {
	name     string // as the ActionMapping resource spells it
	form     form
	required bool
	// wire is the field's name in the request body. It is set for parameters whose value goes into the body unchanged.
	wire string
}

// The parameters of all actions.
var (
	paramID             = parameter{name: "id", form: formID, required: true}
	paramFromUserID     = parameter{name: "fromUserID", form: formID, required: true}
	paramCollection     = parameter{name: "collection", form: formKey, required: true}
	paramName           = parameter{name: "name", form: formText, wire: "name"}
	paramEmail          = parameter{name: "email", form: formText, wire: "email"}
	paramPhoneNumber    = parameter{name: "phoneNumber", form: formText, wire: "phone_number"}
	paramAvatar         = parameter{name: "avatar", form: formText, wire: "avatar"}
	paramLocale         = parameter{name: "locale", form: formText, wire: "locale"}
	paramTimezone       = parameter{name: "timezone", form: formText, wire: "timezone"}
	paramCreatedAt      = parameter{name: "createdAt", form: formTime, wire: "created_at"}
	paramPropertiesFrom = parameter{name: "propertiesFrom", form: formObject}
	paramProperties     = parameter{name: "properties", form: formFields}
	paramSettings       = parameter{name: "settings", form: formFields}
	paramRecipients     = parameter{name: "recipients", form: formRecipients, required: true}
	paramTenant         = parameter{name: "tenant", form: formRecipient}

	paramAudience       = parameter{name: "audience", form: formKey, required: true}
	paramMembers        = parameter{name: "members", form: formRecipients, required: true}
	paramCreateAudience = parameter{name: "createAudience", form: formFlag}

	paramWorkflow        = parameter{name: "workflow", form: formKey, required: true}
	paramActor           = parameter{name: "actor", form: formRecipient}
	paramCancellationKey = parameter{name: "cancellationKey", form: formID}
	paramDataFrom        = parameter{name: "dataFrom", form: formObject}
	paramData            = parameter{name: "data", form: formFields}
)

func required(p parameter) parameter {
	p.required = true
	return p
}

func optional(p parameter) parameter {
	p.required = false
	return p
}

// single returns the build function of an action that makes exactly one call.
func single(build func(*builder) (knock.Request, error)) func(*builder) ([]knock.Request, error) {
	return func(b *builder) ([]knock.Request, error) {
		request, err := build(b)
		return []knock.Request{request}, err
	}
}

// byID returns the build function of an action whose call has an ID and no body.
func byID(endpoint knock.Endpoint) func(*builder) (knock.Request, error) {
	return func(b *builder) (knock.Request, error) {
		id, err := b.id(paramID)
		if err != nil {
			return knock.Request{}, err
		}
		return knock.NewRequest(endpoint, id)
	}
}

func (b *builder) identifyUser() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity(userFields)
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequestWithBody(knock.IdentifyUser, body, id)
}

func (b *builder) mergeUser() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	from, err := b.id(paramFromUserID)
	if err != nil {
		return knock.Request{}, err
	}
	if err := knock.CheckID("fromUser", from); err != nil {
		return knock.Request{}, err
	}
	body := rawjson.Overlay(nil, []rawjson.Field{{Name: "from_user_id", Value: rawjson.Quote(from)}})
	return knock.NewRequestWithBody(knock.MergeUser, body, id)
}

func (b *builder) setObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity(objectFields)
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequestWithBody(knock.SetObject, body, collection, id)
}

func (b *builder) deleteObject() (knock.Request, error) {
	collection, id, err := b.objectID()
	if err != nil {
		return knock.Request{}, err
	}
	return knock.NewRequest(knock.DeleteObject, collection, id)
}

func (b *builder) objectID() (collection, id string, err error) {
	if collection, err = b.id(paramCollection); err != nil {
		return "", "", err
	}
	id, err = b.id(paramID)
	return collection, id, err
}

func (b *builder) setTenant() (knock.Request, error) {
	id, err := b.id(paramID)
	if err != nil {
		return knock.Request{}, err
	}
	body, err := b.entity(tenantFields)
	if err != nil {
		return knock.Request{}, err
	}
	settings, err := b.members(paramSettings)
	if err != nil {
		return knock.Request{}, err
	}
	if len(settings) > 0 {
		body = rawjson.Overlay(body, []rawjson.Field{{Name: "settings", Value: rawjson.Overlay(nil, settings)}})
	}
	return knock.NewRequestWithBody(knock.SetTenant, body, id)
}
