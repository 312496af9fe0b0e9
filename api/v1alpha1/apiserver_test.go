// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/config/crd"
)

// kind validates objects of one kind with the API server's own code.
type kind struct {
	definition *apiextensionsv1.CustomResourceDefinition
	structural *schema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// definitions returns the generated CustomResourceDefinitions by kind.
func definitions(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	names, err := fs.Glob(crd.Manifests(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, name := range names {
		text, err := fs.ReadFile(crd.Manifests(), name)
		if err != nil {
			t.Fatal(err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, definition); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		read[definition.Spec.Names.Kind] = definition
	}
	if got := slices.Sorted(maps.Keys(read)); !slices.Equal(got, []string{"ActionMapping", "Source"}) {
		t.Fatalf("config/crd defines %v", got)
	}
	return read
}

// internal converts a definition as the API server does when it receives one: it sets defaults and converts the definition
// to the internal version.
func internal(t *testing.T, definition *apiextensionsv1.CustomResourceDefinition) *apiextensions.CustomResourceDefinition {
	t.Helper()
	defaulted := definition.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(defaulted)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&defaulted.Spec)
	converted := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(defaulted, converted, nil); err != nil {
		t.Fatal(err)
	}
	return converted
}

// kinds prepares the validation of every kind.
func kinds(t *testing.T) map[string]kind {
	t.Helper()
	prepared := map[string]kind{}
	for name, definition := range definitions(t) {
		props := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			definition.Spec.Versions[0].Schema.OpenAPIV3Schema, props, nil); err != nil {
			t.Fatal(err)
		}
		structural, err := schema.NewStructural(props)
		if err != nil {
			t.Fatalf("%s: the schema is not structural: %v", name, err)
		}
		validator, _, err := validation.NewSchemaValidator(props)
		if err != nil {
			t.Fatal(err)
		}
		prepared[name] = kind{definition, structural, validator, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
	}
	return prepared
}

// admit sets defaults in the object and returns the errors that the API server returns when the object is created. Unknown
// fields are errors, as with `kubectl apply --validate=strict`.
func (k kind) admit(t *testing.T, object map[string]any) []string {
	t.Helper()
	return k.change(t, nil, object)
}

// change does what admit does, but for an update. If old is nil, the object is new.
func (k kind) change(t *testing.T, old, object map[string]any) []string {
	t.Helper()
	var before any // must be nil for a new object: a nil map in an interface would pass as an old object
	if old != nil {
		before = old
	}
	unknown := pruning.PruneWithOptions(object, k.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structural)
	defaulting.Default(object, k.structural)

	errs := validation.ValidateCustomResource(nil, object, k.schema)
	errs = append(errs, objectmeta.Validate(t.Context(), nil, object, k.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	if !slices.ContainsFunc(errs, preventsRules) {
		ruled, _ := k.rules.Validate(t.Context(), nil, k.structural, object, before, celconfig.RuntimeCELCostBudget)
		errs = append(errs, ruled...)
	}
	return append(lines(errs), unknownLines(unknown)...)
}

// preventsRules reports whether the API server skips the rules because of this error. It skips them after errors that could
// make a rule fail or cost too much.
func preventsRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}

// lines returns the errors as text, sorted and without duplicates.
func lines(errs field.ErrorList) []string {
	var texts []string
	for _, err := range errs {
		texts = append(texts, fmt.Sprintf("%s: %s", err.Field, cmp.Or(err.Detail, err.Type.String())))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func unknownLines(paths []string) []string {
	var texts []string
	for _, path := range paths {
		texts = append(texts, path+": unknown field")
	}
	return texts
}

// object decodes a YAML manifest as the API server does: integers become int64.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	read := map[string]any{}
	if err := utiljson.Unmarshal(encoded, &read); err != nil {
		t.Fatal(err)
	}
	return read
}
