// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// form is how a parameter is written and read.
type form int

const (
	formID         form = iota // a string or an integer
	formText                   // a string; anything else is left out with a note
	formTime                   // an RFC 3339 time; anything else is left out with a note
	formRecipient              // an ID, or an object with an id
	formRecipients             // one recipient, or a list of them
	formObject                 // an object to start from
	formKey                    // a literal, or an expression behind "="
	formFields                 // a map of field to expression
	formFlag
)

// kind is what the type checker demands of an expression in this form.
func (f form) kind() expression.Kind {
	switch f {
	case formID, formKey:
		return expression.ID
	case formText, formTime:
		return expression.Text
	case formRecipient, formRecipients:
		return expression.List
	case formObject:
		return expression.Object
	case formFields, formFlag:
		return expression.Any
	default:
		return expression.Any
	}
}

// isText tells whether the form is written as one text.
func (f form) isText() bool { return f != formFields && f != formFlag }

// parameter describes one field of an action.
type parameter struct {
	name     string
	form     form
	required bool
	wire     string // the field's name in the body, for fields that are simply copied there
}

// Names of parameters that the builders refer to.
const (
	paramID              = "id"
	paramFromUserID      = "fromUserID"
	paramCollection      = "collection"
	paramRecipients      = "recipients"
	paramAudience        = "audience"
	paramMembers         = "members"
	paramTenant          = "tenant"
	paramCreateAudience  = "createAudience"
	paramWorkflow        = "workflow"
	paramCancellationKey = "cancellationKey"
	paramActor           = "actor"
	paramData            = "data"
	paramDataFrom        = "dataFrom"
	paramProperties      = "properties"
	paramPropertiesFrom  = "propertiesFrom"
	paramSettings        = "settings"
)

// schema lists the parameters of each action, as the ActionMapping resource has them.
func schema(action document.ActionName) []parameter {
	id := parameter{name: paramID, form: formID, required: true}
	collection := parameter{name: paramCollection, form: formKey, required: true}
	recipients := parameter{name: paramRecipients, form: formRecipients, required: true}
	audience := parameter{name: paramAudience, form: formKey, required: true}
	members := parameter{name: paramMembers, form: formRecipients, required: true}
	workflow := parameter{name: paramWorkflow, form: formKey, required: true}
	name := parameter{name: "name", form: formText, wire: "name"}
	from := parameter{name: paramPropertiesFrom, form: formObject}
	properties := parameter{name: paramProperties, form: formFields}
	settings := parameter{name: paramSettings, form: formFields}
	tenant := parameter{name: paramTenant, form: formRecipient}
	cancellationKey := parameter{name: paramCancellationKey, form: formID}

	switch action {
	case document.IdentifyUser:
		return []parameter{
			id, name,
			{name: "email", form: formText, wire: "email"},
			{name: "phoneNumber", form: formText, wire: "phone_number"},
			{name: "avatar", form: formText, wire: "avatar"},
			{name: "locale", form: formText, wire: "locale"},
			{name: "timezone", form: formText, wire: "timezone"},
			{name: "createdAt", form: formTime, wire: "created_at"},
			from, properties,
		}
	case document.DeleteUser, document.DeleteTenant:
		return []parameter{id}
	case document.MergeUser:
		return []parameter{id, {name: paramFromUserID, form: formID, required: true}}
	case document.SetObject:
		return []parameter{collection, id, name, from, properties}
	case document.DeleteObject:
		return []parameter{collection, id}
	case document.SetTenant:
		return []parameter{id, name, from, properties, settings}
	case document.Subscribe:
		return []parameter{collection, id, recipients, from, properties}
	case document.Unsubscribe:
		return []parameter{collection, id, recipients}
	case document.AddAudienceMember:
		return []parameter{audience, members, tenant, {name: paramCreateAudience, form: formFlag}}
	case document.RemoveAudienceMember:
		return []parameter{audience, members, tenant}
	case document.CancelWorkflow:
		cancellationKey.required, recipients.required = true, false
		return []parameter{workflow, cancellationKey, recipients}
	case document.TriggerWorkflow:
		return []parameter{
			workflow, recipients,
			{name: paramActor, form: formRecipient},
			tenant, cancellationKey,
			{name: paramDataFrom, form: formObject},
			{name: paramData, form: formFields},
			settings,
		}
	default:
		return nil
	}
}
