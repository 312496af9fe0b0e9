// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// action describes one action of the ActionMapping resource.
type action struct {
	name       document.ActionName
	parameters []parameter
	// build returns the calls of the action for one event. An error is the reason to skip the action.
	build func(*builder) ([]knock.Request, error)
}

// actions lists every action in running order: if several mappings match an event, their actions run in the order of this
// table. It is the order in which Knock's own sources run their actions. Only mergeUser and cancelWorkflow are Doorbell's.
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

// single returns the build function of an action that makes exactly one call.
func single(build func(*builder) (knock.Request, error)) func(*builder) ([]knock.Request, error) {
	return func(b *builder) ([]knock.Request, error) {
		request, err := build(b)
		return []knock.Request{request}, err
	}
}
