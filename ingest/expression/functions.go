// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// objectFunctions are Doorbell's own: merge(a, b) is a with b's members over it; omit(a, ["x"]) is a without some of its
// members. Both keep the bytes of what stays, and take whatever is no object (missing, null, a list) for {}.
// coalesce([a, b]) is the first of a list that is neither missing, null nor "", or missing.
func objectFunctions() cel.EnvOption {
	return cel.Lib(objectLibrary{})
}

type objectLibrary struct{}

func (objectLibrary) CompileOptions() []cel.EnvOption {
	object := cel.MapType(cel.StringType, cel.DynType)
	return []cel.EnvOption{
		cel.Function("merge", cel.Overload("merge_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, object,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return made(rawjson.Merge(objectBytes(a), objectBytes(b)), a, b)
			}))),
		cel.Function("omit", cel.Overload("omit_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}, object,
			cel.BinaryBinding(func(a, names ref.Val) ref.Val {
				unwanted := names.(traits.Lister)
				return made(rawjson.Filter(objectBytes(a), func(name string, _ []byte) bool {
					return unwanted.Contains(types.String(name)) != types.True
				}), a)
			}))),
		cel.Function("coalesce", cel.Overload("coalesce_list", []*cel.Type{cel.ListType(cel.DynType)}, cel.OptionalType(cel.DynType),
			cel.UnaryBinding(coalesce))),
	}
}

func coalesce(values ref.Val) ref.Val {
	for it := values.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		value := it.Next()
		if optional, ok := value.(*types.Optional); ok && !optional.HasValue() {
			continue
		}
		if value = unwrap(value); value != types.NullValue && value != types.String("") {
			return types.OptionalOf(value)
		}
	}
	return types.OptionalNone
}

func (objectLibrary) ProgramOptions() []cel.ProgramOption { return nil }

// made is a new object; it counts its work where one of the values that it was made from does.
func made(raw []byte, from ...ref.Val) ref.Val {
	for _, v := range from {
		if o, ok := unwrap(v).(*object); ok {
			return &object{in: o.in, raw: raw}
		}
	}
	return &object{in: &Input{}, raw: raw}
}

func unwrap(v ref.Val) ref.Val {
	if optional, ok := v.(*types.Optional); ok && optional.HasValue() {
		return optional.GetValue()
	}
	return v
}

func objectBytes(v ref.Val) []byte {
	switch v := unwrap(v).(type) {
	case *object:
		return v.raw
	case traits.Mapper:
		if raw, err := (encoder{}).object(nil, v); err == nil {
			return raw
		}
	}
	return []byte("{}")
}
