// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"regexp"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apivalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// The test runs the API server's own validation: the schema must be structural, the defaults must conform to it, and the
// rules must compile and stay within their cost limits.
func TestTheAPIServerAcceptsTheDefinitions(t *testing.T) {
	for name, definition := range definitions(t) {
		t.Run(name, func(t *testing.T) {
			converted := internal(t, definition)
			converted.Status.StoredVersions = []string{definition.Spec.Versions[0].Name}
			for _, err := range apivalidation.ValidateCustomResourceDefinition(t.Context(), converted) {
				t.Error(err)
			}
		})
	}
}

// Lists, maps and strings without a limit multiply the estimated cost of rules, and a single object could fill etcd.
func TestEveryListMapAndStringIsBounded(t *testing.T) {
	for name, definition := range definitions(t) {
		t.Run(name, func(t *testing.T) {
			root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
			for _, part := range []string{"spec", "status"} {
				for _, path := range unbounded(part, root.Properties[part]) {
					t.Errorf("%s has no limit", path)
				}
			}
		})
	}
}

// isNative reports whether a path belongs to one of Kubernetes' own types, which have no limits. The API server limits the
// size of the whole object, and validates these fields when Doorbell applies the objects that contain them. Apart from the
// keys of maps, no rule reads them.
func isNative(path string) bool {
	return regexp.MustCompile(`[.](affinity|tolerations\[\]|resources|env\[\]|imagePullSecrets\[\])([.]|$)` +
		`|[.](nodeSelector|labels|annotations)\{\}$`).MatchString(path)
}

// unbounded returns the paths below a schema whose values have no size limit.
func unbounded(path string, props apiextensionsv1.JSONSchemaProps) []string {
	var found []string
	if isNative(path) || props.XIntOrString && props.Pattern != "" { // a quantity cannot have a maximum length
		return nil
	}
	switch props.Type {
	case "string":
		if props.MaxLength == nil && len(props.Enum) == 0 && props.Format != "date-time" {
			found = append(found, path)
		}
	case "array":
		if props.MaxItems == nil {
			found = append(found, path)
		}
		found = append(found, unbounded(path+"[]", *props.Items.Schema)...)
	case "object":
		if props.AdditionalProperties != nil {
			if props.MaxProperties == nil {
				found = append(found, path)
			}
			found = append(found, unbounded(path+"{}", *props.AdditionalProperties.Schema)...)
		}
		for name, child := range props.Properties {
			found = append(found, unbounded(path+"."+name, child)...)
		}
	case "integer", "boolean":
	default:
		found = append(found, path+" (type "+props.Type+")")
	}
	slices.Sort(found)
	return found
}

func TestEveryRuleHasAMessage(t *testing.T) {
	for name, definition := range definitions(t) {
		t.Run(name, func(t *testing.T) {
			for _, path := range withoutMessage("", *definition.Spec.Versions[0].Schema.OpenAPIV3Schema) {
				t.Errorf("the rule at %s has no message", path)
			}
		})
	}
}

// withoutMessage returns the paths of rules without a message.
func withoutMessage(path string, props apiextensionsv1.JSONSchemaProps) []string {
	var found []string
	for _, rule := range props.XValidations {
		if rule.Message == "" && rule.MessageExpression == "" {
			found = append(found, path)
		}
	}
	if props.Items != nil {
		found = append(found, withoutMessage(path+"[]", *props.Items.Schema)...)
	}
	if props.AdditionalProperties != nil {
		found = append(found, withoutMessage(path+"{}", *props.AdditionalProperties.Schema)...)
	}
	for name, child := range props.Properties {
		found = append(found, withoutMessage(path+"."+name, child)...)
	}
	return found
}
