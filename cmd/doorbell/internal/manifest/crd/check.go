// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/operation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// CheckMetadata checks the name, namespace, labels and annotations of a namespaced object of any kind.
func CheckMetadata(ctx context.Context, object map[string]any) []Finding {
	_, findings := checkMetadata(ctx, object)
	return sorted(findings)
}

// checkMetadata returns no metadata when it cannot be read at all.
func checkMetadata(ctx context.Context, object map[string]any) (*metav1.ObjectMeta, []Finding) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	switch {
	case err != nil:
		return nil, []Finding{malformed(err)}
	case !found || meta == nil:
		meta = &metav1.ObjectMeta{}
	}
	var findings []Finding
	for _, path := range unknown {
		findings = append(findings, Finding{Path: path, Message: unknownField(path, metadataFields())})
	}
	errs := metavalidation.ValidateObjectMetaDeclaratively(ctx, operation.Create, meta, nil, true,
		metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"), false)
	return meta, append(findings, explain(errs)...)
}

// malformed finds the field in an error such as "json: cannot unmarshal number into Go struct field ObjectMeta.name of
// type string".
func malformed(err error) Finding {
	_, rest, _ := strings.Cut(err.Error(), "ObjectMeta.")
	name, kind, typed := strings.Cut(rest, " of type ")
	if !typed {
		return Finding{Path: "metadata", Message: "must be a mapping with name and namespace"}
	}
	message := "has the wrong type, " + kind + " is wanted"
	if kind == "string" {
		message = "must hold text only; put numbers and the like in quotes"
	}
	return Finding{Path: "metadata." + name, Message: message}
}

func metadataFields() []string {
	return []string{"name", "namespace", "labels", "annotations", "finalizers", "generateName", "ownerReferences"}
}

// prune removes unknown fields and nulls, and fills in the defaults.
func (k *kind) prune(object map[string]any) []Finding {
	var findings []Finding
	if spec, given := object["spec"]; given {
		findings = empties(spec, "spec")
	}
	unknown := pruning.PruneWithOptions(object, k.schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		findings = append(findings, Finding{Path: path, Message: unknownField(path, k.fieldsBeside(path))})
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.schema)
	defaulting.Default(object, k.schema)
	if k.status {
		delete(object, "status")
	}
	return findings
}

// empties warns of fields without a value: the API server leaves them out, so "when:" would mean always.
func empties(value any, path string) []Finding {
	var findings []Finding
	switch value := value.(type) {
	case nil:
		return []Finding{{Path: path, Message: "has no value, so it is left out; give it one, or remove it", Warning: true}}
	case map[string]any:
		for name, inner := range value {
			findings = append(findings, empties(inner, path+"."+name)...)
		}
	case []any:
		for i, inner := range value {
			findings = append(findings, empties(inner, path+"["+strconv.Itoa(i)+"]")...)
		}
	}
	return findings
}

// validate applies the schema, and the rules if the schema leaves nothing that would confuse them.
func (k *kind) validate(ctx context.Context, object map[string]any) []Finding {
	errs := validation.ValidateCustomResource(nil, object, k.validator)
	errs = append(errs, objectmeta.Validate(ctx, nil, object, k.schema, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.schema, object)...)
	if k.rules != nil && !blocking(errs) {
		broken, _ := k.rules.Validate(ctx, nil, k.schema, object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, broken...)
	}
	return explain(errs)
}

// blocking is the API server's own criterion for not running the rules.
func blocking(errs field.ErrorList) bool {
	return slices.ContainsFunc(errs, func(err *field.Error) bool {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		default:
			return false
		}
	})
}

// fieldsBeside lists the fields that the schema has where the unknown one at path stands.
func (k *kind) fieldsBeside(path string) []string {
	parts := strings.Split(path, ".")
	at := k.schema
	for _, part := range parts[:len(parts)-1] {
		name, index, indexed := strings.Cut(part, "[")
		if at = child(at, name); at == nil {
			return nil
		}
		for range strings.Count(index, "[") + 1 {
			if indexed && at != nil {
				at = at.Items
			}
		}
	}
	if at == nil {
		return nil
	}
	names := make([]string, 0, len(at.Properties))
	for name := range at.Properties {
		names = append(names, name)
	}
	return names
}

func child(at *structural.Structural, name string) *structural.Structural {
	if property, ok := at.Properties[name]; ok {
		return &property
	}
	if at.AdditionalProperties != nil {
		return at.AdditionalProperties.Structural
	}
	return nil
}
