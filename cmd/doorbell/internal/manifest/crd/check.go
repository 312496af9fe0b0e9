// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/doorbell-dev/doorbell/ingest/nearest"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// Check validates a namespaced object as the API server validates a new object with strict field validation. It changes
// the object in place: it removes unknown fields and fills in defaults, so that an object without errors is what the API
// server would store. The problems are sorted by field. Check panics if the catalog does not have the kind.
func (c *Catalog) Check(ctx context.Context, gvk schema.GroupVersionKind, object map[string]any) []problem.Problem {
	k := c.kinds[gvk]
	meta, problems := checkMetadata(ctx, object)
	if meta != nil {
		problems = append(problems, k.prune(object)...)
		problems = append(problems, k.validate(ctx, object)...)
	}
	return sorted(problems)
}

// checkMetadata returns nil metadata if it cannot decode the metadata at all.
func checkMetadata(ctx context.Context, object map[string]any) (*metav1.ObjectMeta, []problem.Problem) {
	meta, _, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mistyped.Field != "" {
		message := fmt.Sprintf("%s%s, not %s; put it in quotes", mustBeType, mistyped.Type, mistyped.Value)
		return nil, []problem.Problem{{Field: "metadata." + mistyped.Field, Message: message}}
	} else if err != nil {
		return nil, []problem.Problem{{Field: "metadata", Message: "must be a mapping with a name"}}
	}
	if meta == nil {
		meta = &metav1.ObjectMeta{}
	}
	var problems []problem.Problem
	for _, path := range unknown {
		problems = append(problems, unknownField(path, []string{"name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"}))
	}
	errs := metavalidation.ValidateObjectMetaDeclaratively(ctx, operation.Create, meta, nil, true,
		metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"), false)
	return meta, append(problems, translate(errs)...)
}

// prune removes unknown fields and nulls, and fills in the defaults.
func (k *kind) prune(object map[string]any) []problem.Problem {
	var problems []problem.Problem
	for name, value := range object {
		if name != "metadata" && name != "status" {
			problems = append(problems, nulls(value, name)...)
		}
	}
	unknown := pruning.PruneWithOptions(object, k.schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		problems = append(problems, unknownField(path, k.siblings(path)))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.schema)
	defaulting.Default(object, k.schema)
	delete(object, "status") // a subresource, which the API server ignores in an applied object
	return problems
}

// nulls warns about fields without a value. The API server removes them, so that an empty "when:" matches every event.
func nulls(value any, path string) []problem.Problem {
	var problems []problem.Problem
	switch value := value.(type) {
	case nil:
		problems = append(problems, problem.Problem{Field: path, Message: "has no value, so it is ignored; write one, or remove the field", Warning: true})
	case map[string]any:
		for name, inner := range value {
			problems = append(problems, nulls(inner, path+"."+name)...)
		}
	case []any:
		for i, inner := range value {
			problems = append(problems, nulls(inner, path+"["+strconv.Itoa(i)+"]")...)
		}
	}
	return problems
}

// blocking are the errors after which the API server skips the CEL rules.
var blocking = []field.ErrorType{
	field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
}

// validate applies the schema, and the CEL rules unless the schema finds blocking errors.
func (k *kind) validate(ctx context.Context, object map[string]any) []problem.Problem {
	errs := validation.ValidateCustomResource(nil, object, k.validator)
	errs = append(errs, objectmeta.Validate(ctx, nil, object, k.schema, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.schema, object)...)
	if k.rules != nil && !slices.ContainsFunc(errs, func(err *field.Error) bool { return slices.Contains(blocking, err.Type) }) {
		broken, _ := k.rules.Validate(ctx, nil, k.schema, object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, broken...)
	}
	return translate(errs)
}

func unknownField(path string, siblings []string) problem.Problem {
	message := "unknown field; remove it"
	if meant := nearest.Word(path[strings.LastIndexByte(path, '.')+1:], siblings); meant != "" {
		message = fmt.Sprintf("unknown field; did you mean %s?", meant)
	} else if len(siblings) > 0 {
		message = "unknown field; remove it, or use one of " + strings.Join(siblings, ", ")
	}
	return problem.Problem{Field: path, Message: message}
}

// siblings returns the fields that the schema allows beside the unknown field at path.
func (k *kind) siblings(path string) []string {
	at := k.schema
	segments := strings.Split(path, ".")
	for _, segment := range segments[:len(segments)-1] {
		name, _, _ := strings.Cut(segment, "[")
		if property, ok := at.Properties[name]; ok {
			at = &property
		} else if at.AdditionalProperties != nil && at.AdditionalProperties.Structural != nil {
			at = at.AdditionalProperties.Structural
		} else {
			return nil
		}
		for at.Items != nil {
			at = at.Items
		}
	}
	return slices.Sorted(maps.Keys(at.Properties))
}

// sorted sorts problems by field. It keeps only what helps: no warning about a field that also has an error, and no other
// problem of a field of the wrong type, nor of the fields below it.
func sorted(problems []problem.Problem) []problem.Problem {
	wrong, mistyped := map[string]bool{}, map[string]bool{}
	for _, p := range problems {
		wrong[p.Field] = wrong[p.Field] || !p.Warning
		mistyped[p.Field] = mistyped[p.Field] || strings.HasPrefix(p.Message, mustBeType)
	}
	problems = slices.DeleteFunc(problems, func(p problem.Problem) bool {
		for i, c := range p.Field {
			if (c == '.' || c == '[') && mistyped[p.Field[:i]] {
				return true
			}
		}
		return p.Warning && wrong[p.Field] || mistyped[p.Field] && !strings.HasPrefix(p.Message, mustBeType)
	})
	slices.SortFunc(problems, func(a, b problem.Problem) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}
