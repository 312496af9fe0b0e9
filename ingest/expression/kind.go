// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// Kind is what a field uses the value of its expression for. Compile rejects an expression whose type can never serve.
type Kind int

// The kinds of values that fields need.
const (
	Any    Kind = iota
	Bool        // a condition
	ID          // a string or an integer
	Text        // a string
	Object      // an object to start from
	List        // recipients or members: an ID, an object, or a list of them
)

// needs says which value each kind of field needs.
var needs = map[Kind]string{
	Any:    "this field needs a value that JSON has",
	Bool:   "a condition needs a boolean",
	ID:     "an id is a string or an integer",
	Text:   "this field needs a string",
	Object: "this field needs an object to start from",
	List:   "this field needs an id, an object with an id, or a list of them",
}

// optionalType is CEL's name for the type of an optional: a value that may be absent, as body.?x gives it.
const optionalType = "optional_type"

// serves reports whether a value of this static type can be of the kind. The type of an optional is the type of the value
// inside, since Doorbell unwraps an optional at the end. Most values have the type dyn, which the event decides.
func serves(t *cel.Type, kind Kind) bool {
	if t.Kind() == types.OpaqueKind && t.TypeName() == optionalType {
		return serves(t.Parameters()[0], kind)
	}
	switch t.Kind() {
	case types.DynKind, types.AnyKind, types.NullTypeKind:
		return kind != Bool || t.Kind() != types.NullTypeKind
	case types.BoolKind:
		return kind == Any || kind == Bool
	case types.StringKind:
		return kind == Any || kind == ID || kind == Text || kind == List
	case types.IntKind, types.UintKind:
		return kind == Any || kind == ID || kind == List
	case types.MapKind:
		return kind == Any || kind == Object || kind == List
	case types.ListKind:
		return kind == Any || kind == List
	case types.TypeKind:
		return false
	case types.TimestampKind:
		return kind == Any || kind == Text
	default:
		return kind == Any
	}
}
