// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"regexp"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apivalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// The API server's own check of a CustomResourceDefinition: structural schema, defaults that fit it, rules that compile
// within their cost limits.
func TestAnAPIServerWouldTakeTheDefinitions(t *testing.T) {
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

// Unbounded lists, maps and strings multiply the cost of rules, and let one object fill the store.
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

// isNative is true of the fields of Kubernetes' own types, which set no limits: the API server checks them where they are rendered,
// and bounds the object as a whole. No rule looks into them, but for the keys of maps.
func isNative(path string) bool {
	return regexp.MustCompile(`[.](affinity|tolerations\[\]|resources|env\[\]|imagePullSecrets\[\])([.]|$)` +
		`|[.](nodeSelector|labels|annotations)\{\}$`).MatchString(path)
}

// unbounded lists the paths of everything below a schema that could grow without limit.
func unbounded(path string, props apiextensionsv1.JSONSchemaProps) []string {
	var found []string
	if isNative(path) || props.XIntOrString && props.Pattern != "" { // a quantity is as long as its digits
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

func TestEveryRuleSaysWhatToDo(t *testing.T) {
	for name, definition := range definitions(t) {
		t.Run(name, func(t *testing.T) {
			for _, path := range silent("", *definition.Spec.Versions[0].Schema.OpenAPIV3Schema) {
				t.Errorf("the rule at %s has no message", path)
			}
		})
	}
}

// silent lists the paths of rules without a message.
func silent(path string, props apiextensionsv1.JSONSchemaProps) []string {
	var found []string
	for _, rule := range props.XValidations {
		if rule.Message == "" && rule.MessageExpression == "" {
			found = append(found, path)
		}
	}
	if props.Items != nil {
		found = append(found, silent(path+"[]", *props.Items.Schema)...)
	}
	if props.AdditionalProperties != nil {
		found = append(found, silent(path+"{}", *props.AdditionalProperties.Schema)...)
	}
	for name, child := range props.Properties {
		found = append(found, silent(path+"."+name, child)...)
	}
	return found
}
