// SPDX-License-Identifier: Apache-2.0

package mapping

import "github.com/doorbell-dev/doorbell/ingest/expression"

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

// form says how an author writes a parameter and which values it accepts.
type form int

const (
	formID         form = iota // a string or an integer
	formText                   // a string; the builder omits any other value and adds a note
	formTime                   // an RFC 3339 time; the builder omits any other value and adds a note
	formRecipient              // an ID, or an object with an id
	formRecipients             // one recipient, or a list of recipients
	formObject                 // an object whose members the body starts with
	formKey                    // a literal, or an expression after "="
	formFields                 // a map of field names to expressions
	formFlag                   // true or false
)

// kind returns the type that the expressions of the form must have.
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

// isText reports whether an author writes the parameter as one text.
func (f form) isText() bool { return f != formFields && f != formFlag }
