// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/doorbell-dev/doorbell/ingest/expression/library"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// objectLibrary declares merge and omit. merge(a, b) is the object a with the members of b, where b wins. omit(a,
// ["x"]) is the object a without the members with these names. Both keep the bytes of the members that stay, and treat
// a value that is not an object (a missing optional, null, a list) as {}.
type objectLibrary struct{}

// CompileOptions declares merge and omit.
func (objectLibrary) CompileOptions() []cel.EnvOption {
	object := cel.MapType(cel.StringType, cel.DynType)
	return []cel.EnvOption{
		cel.Function("merge", cel.Overload("merge_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, object,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return newObject(rawjson.Merge(objectBytes(a), objectBytes(b)), a, b)
			}))),
		cel.Function("omit", cel.Overload("omit_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}, object,
			cel.BinaryBinding(func(a, names ref.Val) ref.Val {
				unwanted := names.(traits.Lister)
				return newObject(rawjson.Filter(objectBytes(a), func(key, _ []byte) bool {
					return unwanted.Contains(types.String(rawjson.Unquote(key))) != types.True
				}), a)
			}))),
	}
}

// ProgramOptions returns no options.
func (objectLibrary) ProgramOptions() []cel.ProgramOption { return nil }

// newObject returns an object with these bytes. The object charges the budget of the Input that one of its sources
// belongs to. Without such a source it gets a new budget.
func newObject(raw []byte, sources ...ref.Val) ref.Val {
	for _, v := range sources {
		if o, ok := library.Unwrap(v).(*object); ok {
			return &object{in: o.in, raw: raw}
		}
	}
	return &object{in: &Input{}, raw: raw}
}

// objectBytes returns an object as JSON, and {} for a value that is not an object.
func objectBytes(v ref.Val) []byte {
	switch v := library.Unwrap(v).(type) {
	case *object:
		return v.raw
	case traits.Mapper:
		if raw, err := (encoder{}).object(nil, v); err == nil {
			return raw
		}
	}
	return []byte("{}")
}
