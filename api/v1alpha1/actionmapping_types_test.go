// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

func TestValidActionMappingsAreAdmitted(t *testing.T) {
	mappings := kinds(t)["ActionMapping"]
	for name, action := range map[string]string{
		"identifyUser":                      "{id: body.userId}",
		"identifyUser with every parameter": "identifyUser: {id: i, name: body.name, email: e, phoneNumber: p, avatar: a, locale: l, timezone: t, createdAt: c, propertiesFrom: body.traits, properties: {plan: body.plan, phoneNumber: body.p}}",
		"deleteUser":                        "{id: body.userId}",
		"mergeUser":                         "{id: body.userId, fromUserID: body.previousId}",
		"setObject":                         "{collection: accounts, id: body.groupId}",
		"setObject with every parameter":    "setObject: {collection: =body.kind, id: i, name: body.name, propertiesFrom: body.traits, properties: {locale: body.locale, timezone: body.tz}}",
		"deleteObject":                      "{collection: Accounts_2024.x-y, id: body.groupId}",
		"setTenant":                         "{id: body.groupId}",
		"setTenant with every parameter":    "setTenant: {id: i, name: body.name, propertiesFrom: f, properties: {plan: body.plan}, settings: {branding: body.b, preference_set: body.p}}",
		"deleteTenant":                      "{id: body.groupId}",
		"subscribe":                         "{collection: $tenants, id: body.groupId, recipients: body.userId, propertiesFrom: f, properties: {id: body.x}}",
		"unsubscribe":                       "{collection: accounts, id: body.groupId, recipients: body.userId}",
		"addAudienceMember":                 "{audience: trials, members: body.userId, tenant: body.groupId, createAudience: true}",
		"removeAudienceMember":              "{audience: trials, members: body.userId, tenant: body.groupId}",
		"cancelWorkflow":                    "{workflow: cart, cancellationKey: body.cart, recipients: body.userId}",
		"triggerWorkflow":                   "{workflow: order-completed, recipients: body.userId}",
		"triggerWorkflow with every parameter": "triggerWorkflow: {workflow: =body.w, recipients: r, dataFrom: d, data: {x: body.x}, actor: a, tenant: t, " +
			"cancellationKey: c, settings: {sandbox_mode: 'true', skip_delay: 'false'}}",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(action, "{") {
				action = name + ": " + action
			}
			if errs := admitMapping(t, mappings, "sourceRef: {name: s}\nevent: identify\n"+action); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

func TestAnActionMappingIsActiveByDefault(t *testing.T) {
	mapping := object(t, "apiVersion: doorbell.dev/v1alpha1\nkind: ActionMapping\nmetadata: {name: m}\n"+
		"spec: {sourceRef: {name: s}, event: identify, deleteUser: {id: body.userId}}")
	kinds(t)["ActionMapping"].admit(t, mapping)
	want := object(t, "{sourceRef: {name: s}, event: identify, active: true, deleteUser: {id: body.userId}}")
	if diff := cmp.Diff(want, mapping["spec"]); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestValidEventsAreAdmitted(t *testing.T) {
	mappings := kinds(t)["ActionMapping"]
	for _, event := range []string{"identify", "track/order_completed", "track/Order Completed", "track/*", "track/user*", "*"} {
		t.Run(event, func(t *testing.T) {
			if errs := admitMapping(t, mappings, fmt.Sprintf("sourceRef: {name: s}\nevent: %q\ndeleteUser: {id: body.userId}", event)); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

func TestInvalidActionMappingsAreRejected(t *testing.T) {
	const (
		head        = "sourceRef: {name: s}\nevent: identify\n"
		noAction    = "spec: no action: add exactly one of identifyUser, deleteUser, mergeUser, setObject, deleteObject, setTenant, deleteTenant, subscribe, unsubscribe, addAudienceMember, removeAudienceMember, cancelWorkflow and triggerWorkflow"
		oneAction   = "spec: found the actions deleteUser and deleteTenant: a mapping has exactly one action, so write one ActionMapping for each"
		reserved    = "Knock reserves preferences and channel_data: use other names, or set them with Knock's API"
		userFields  = "Knock reserves id, name, email, phone_number, avatar, locale, timezone and created_at: use the fields id, name, email, phoneNumber, avatar, locale, timezone and createdAt of identifyUser"
		starNotLast = "spec.event: a * must be the last character: it matches the rest of the event type, as in track/*"
		invalidKey  = "invalid key: use 1 to 256 characters without /, # and control characters, or = and an expression, such as =body.properties.key"
		noEquals    = "an expression must start with =, such as =body.properties.key"
	)
	mappings := kinds(t)["ActionMapping"]
	for name, test := range map[string]struct {
		spec string
		want string
	}{
		"no action":   {head, noAction},
		"two actions": {head + "deleteUser: {id: a}\ndeleteTenant: {id: a}", oneAction},
		"three actions": {
			head + "deleteUser: {id: a}\ndeleteTenant: {id: a}\nmergeUser: {id: a, fromUserID: b}",
			"spec: found the actions deleteUser and mergeUser and deleteTenant: a mapping has exactly one action, so write one ActionMapping for each",
		},
		"an unknown action": {head + "deleteUser: {id: a}\nsendEmail: {to: a}", "spec.sendEmail: unknown field"},
		"no sourceRef":      {"event: identify\ndeleteUser: {id: a}", "spec.sourceRef: Required value"},
		"a sourceRef in capitals": {
			"sourceRef: {name: RudderStack}\nevent: identify\ndeleteUser: {id: a}",
			"spec.sourceRef.name: invalid Source name: use lower-case letters, digits, - and ., starting and ending with a letter or digit",
		},
		"no event":                  {"sourceRef: {name: s}\ndeleteUser: {id: a}", "spec.event: Required value"},
		"an empty event":            {"sourceRef: {name: s}\nevent: ''\ndeleteUser: {id: a}", "spec.event: spec.event in body should be at least 1 chars long"},
		"an event that is too long": {"sourceRef: {name: s}\nevent: " + strings.Repeat("e", 513) + "\ndeleteUser: {id: a}", "spec.event: may not be more than 512 bytes"},
		"a star in the middle":      {"sourceRef: {name: s}\nevent: track/*/x\ndeleteUser: {id: a}", starNotLast},
		"two stars":                 {"sourceRef: {name: s}\nevent: track/**\ndeleteUser: {id: a}", starNotLast},
		"an empty condition":        {head + "when: ''\ndeleteUser: {id: a}", "spec.when: spec.when in body should be at least 1 chars long"},
		"identifyUser without an id": {
			head + "identifyUser: {name: a}", "spec.identifyUser.id: Required value",
		},
		"mergeUser without fromUserID": {
			head + "mergeUser: {id: a}", "spec.mergeUser.fromUserID: Required value",
		},
		"setObject without a collection": {
			head + "setObject: {id: a}", "spec.setObject.collection: Required value",
		},
		"subscribe without recipients": {
			head + "subscribe: {collection: c, id: a}", "spec.subscribe.recipients: Required value",
		},
		"addAudienceMember without members": {
			head + "addAudienceMember: {audience: c}", "spec.addAudienceMember.members: Required value",
		},
		"removeAudienceMember with createAudience": {
			head + "removeAudienceMember: {audience: c, members: m, createAudience: true}",
			"spec.removeAudienceMember.createAudience: unknown field",
		},
		"cancelWorkflow without a cancellationKey": {
			head + "cancelWorkflow: {workflow: w}", "spec.cancelWorkflow.cancellationKey: Required value",
		},
		"triggerWorkflow without a workflow": {
			head + "triggerWorkflow: {recipients: r}", "spec.triggerWorkflow.workflow: Required value",
		},
		"a workflow with a slash": {
			head + "triggerWorkflow: {workflow: a/b, recipients: r}", "spec.triggerWorkflow.workflow: " + invalidKey,
		},
		"a workflow with a line break": {
			head + `triggerWorkflow: {workflow: "a\nb", recipients: r}`, "spec.triggerWorkflow.workflow: " + invalidKey,
		},
		"a path without an equals sign as workflow": {
			head + "triggerWorkflow: {workflow: body.properties.workflow, recipients: r}",
			"spec.triggerWorkflow.workflow: " + noEquals,
		},
		"an expression without an equals sign as collection": {
			head + `deleteObject: {collection: "headers['x-c']", id: i}`, "spec.deleteObject.collection: " + noEquals,
		},
		"a field of the user among its properties": {
			head + "identifyUser: {id: a, properties: {phone_number: body.p}}",
			"spec.identifyUser.properties: " + userFields,
		},
		"preferences among the properties of a user": {
			head + "identifyUser: {id: a, properties: {preferences: body.p}}",
			"spec.identifyUser.properties: " + reserved,
		},
		"a field of the object among its properties": {
			head + "setObject: {collection: c, id: a, properties: {collection: body.c}}",
			"spec.setObject.properties: Knock reserves id, collection and name: use the fields id, collection and name of setObject",
		},
		"channel data among the properties of an object": {
			head + "setObject: {collection: c, id: a, properties: {channel_data: body.c}}",
			"spec.setObject.properties: " + reserved,
		},
		"a field of the tenant among its properties": {
			head + "setTenant: {id: a, properties: {settings: body.s}}",
			"spec.setTenant.properties: Knock reserves id, name and settings: use the fields id, name and settings of setTenant",
		},
		"preferences among the properties of a tenant": {
			head + "setTenant: {id: a, properties: {preferences: body.s}}", "spec.setTenant.properties: " + reserved,
		},
		"an unknown setting of a tenant": {
			head + "setTenant: {id: a, settings: {color: body.c}}",
			"spec.setTenant.settings: unknown setting: a tenant has the settings branding and preference_set",
		},
		"an unknown setting of a trigger": {
			head + "triggerWorkflow: {workflow: w, recipients: r, settings: {skipDelay: 'true'}}",
			"spec.triggerWorkflow.settings: unknown setting: a trigger has the settings sandbox_mode and skip_delay",
		},
		"a field without a name": {
			head + "triggerWorkflow: {workflow: w, recipients: r, data: {'': body.x}}",
			"spec.triggerWorkflow.data: the name of a field must have 1 to 256 characters",
		},
		"a field whose name is too long": {
			head + "triggerWorkflow: {workflow: w, recipients: r, data: {" + strings.Repeat("n", 257) + ": body.x}}",
			"spec.triggerWorkflow.data: the name of a field must have 1 to 256 characters",
		},
		"a field without an expression": {
			head + "triggerWorkflow: {workflow: w, recipients: r, data: {x: ''}}",
			"spec.triggerWorkflow.data.x: spec.triggerWorkflow.data.x in body should be at least 1 chars long",
		},
		"a field that is a number": {
			head + "triggerWorkflow: {workflow: w, recipients: r, data: {x: 1}}",
			`spec.triggerWorkflow.data.x: spec.triggerWorkflow.data.x in body must be of type string: "integer"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]string{test.want}, admitMapping(t, mappings, test.spec)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// The resources must have a field for every action of package mapping, and the rules that list actions must list all.
func TestTheResourcesHaveEveryAction(t *testing.T) {
	sources := kinds(t)["Source"]
	spec := definitions(t)["ActionMapping"].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	limits := `spec: {type: RudderStack, knock: {apiKeySecretRef: {name: k, key: k}}, delivery: {rateLimits: {%s: 1}}}`
	for _, action := range mapping.ActionNames() {
		if _, known := spec.Properties[string(action)]; !known {
			t.Errorf("ActionMapping has no field %s", action)
		}
		for _, rule := range spec.XValidations {
			if !strings.Contains(rule.Rule, "has(self."+string(action)+")") || !strings.Contains(rule.Message+rule.MessageExpression, string(action)) {
				t.Errorf("%s is missing in a rule of ActionMappingSpec: %s", action, rule.Rule)
			}
		}
		source := object(t, fmt.Sprintf("{apiVersion: doorbell.dev/v1alpha1, kind: Source, metadata: {name: s}, "+limits+"}", action))
		if errs := sources.admit(t, source); len(errs) > 0 {
			t.Error(errs)
		}
	}
}

// admitMapping returns the errors of an ActionMapping with the given spec.
func admitMapping(t *testing.T, mappings kind, spec string) []string {
	t.Helper()
	manifest := "apiVersion: doorbell.dev/v1alpha1\nkind: ActionMapping\nmetadata: {name: m}\nspec:" + indent("\n"+spec)
	return mappings.admit(t, object(t, manifest))
}
