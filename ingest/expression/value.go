// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/doorbell-dev/doorbell/ingest/expression/budget"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// celValue returns a JSON value as a CEL value. An integer that fits into int64 is an int, and every other number is a
// double. An object or a list stays bytes until an expression reads its members.
func celValue(in *Input, raw []byte) ref.Val {
	switch rawjson.KindOf(raw) {
	case rawjson.Object:
		return &object{in: in, raw: raw}
	case rawjson.Array:
		return &list{in: in, raw: raw}
	case rawjson.String:
		return types.String(rawjson.Unquote(raw))
	case rawjson.Number:
		return number(raw)
	case rawjson.Bool:
		return types.Bool(raw[0] == 't')
	default:
		return types.NullValue
	}
}

func number(raw []byte) ref.Val {
	if rawjson.IsInteger(raw) {
		if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return types.Int(i)
		}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return types.NewErr("the number %.40s is too large to compute with", raw)
	}
	return types.Double(f)
}

// object is a JSON object as a CEL map. It decodes its members when an expression first reads one. traits.Mapper and
// ref.Val document the methods that have no comment here.
type object struct {
	in    *Input
	raw   []byte
	index map[string]ref.Val
	keys  []string
}

var _ traits.Mapper = (*object)(nil)

// open indexes the members. The last of duplicate keys wins.
func (o *object) open() map[string]ref.Val {
	if o.index == nil {
		o.index = make(map[string]ref.Val, 16)
		for key, raw := range rawjson.Members(o.raw) {
			name := rawjson.Unquote(key)
			if _, again := o.index[name]; !again {
				o.keys = append(o.keys, name)
			}
			o.index[name] = celValue(o.in, raw)
		}
	}
	return o.index
}

// Find charges the length of the key to the budget, and returns the member with this name.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	if !o.in.budget.Charge(len(name)) {
		return budget.Exceeded(), true
	}
	value, ok := o.open()[string(name)]
	return value, ok
}

func (o *object) Get(key ref.Val) ref.Val {
	if value, ok := o.Find(key); ok {
		return value
	}
	return types.NewErr("no such key: %v", key)
}

func (o *object) Contains(key ref.Val) ref.Val {
	_, ok := o.Find(key)
	return types.Bool(ok)
}

func (o *object) Size() ref.Val { return types.Int(len(o.open())) }

func (o *object) Iterator() traits.Iterator {
	o.open()
	return types.NewStringList(types.DefaultTypeAdapter, o.keys).Iterator()
}

// Equal charges the length of the object to the budget before it compares the members.
func (o *object) Equal(other ref.Val) ref.Val {
	m, ok := other.(traits.Mapper)
	if !ok {
		return types.False
	}
	if !o.in.budget.Charge(len(o.raw)) {
		return budget.Exceeded()
	}
	if m.Size() != o.Size() {
		return types.False
	}
	for name, value := range o.open() {
		theirs, found := m.Find(types.String(name))
		if !found {
			return types.False
		}
		if equal := types.Equal(value, theirs); equal != types.True {
			return equal
		}
	}
	return types.True
}

// Bytes returns the length of the object as JSON.
func (o *object) Bytes() int { return len(o.raw) }

func (o *object) Type() ref.Type { return types.MapType }
func (o *object) Value() any     { return o.raw }

func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an object is not a %v", t)
}
func (o *object) ConvertToType(t ref.Type) ref.Val { return convert(o, types.MapType, t) }

// list is a JSON array as a CEL list. It decodes its elements when an expression first reads one. traits.Lister and
// ref.Val document the methods that have no comment here.
type list struct {
	in     *Input
	raw    []byte
	values []ref.Val
	opened bool
}

var _ traits.Lister = (*list)(nil)

func (l *list) open() []ref.Val {
	if !l.opened {
		for raw := range rawjson.Elements(l.raw) {
			l.values = append(l.values, celValue(l.in, raw))
		}
		l.opened = true
	}
	return l.values
}

// Bytes returns the length of the list as JSON.
func (l *list) Bytes() int { return len(l.raw) }

// plain returns the list as a list of CEL's own, which implements the operations.
func (l *list) plain() traits.Lister {
	return types.NewRefValList(types.DefaultTypeAdapter, l.open())
}

func (l *list) Get(index ref.Val) ref.Val { return l.plain().Get(index) }
func (l *list) Contains(v ref.Val) ref.Val {
	return l.charged(func() ref.Val { return l.plain().Contains(v) })
}
func (l *list) Add(other ref.Val) ref.Val { return l.plain().Add(other) }
func (l *list) Size() ref.Val             { return types.Int(len(l.open())) }
func (l *list) Iterator() traits.Iterator { return l.plain().Iterator() }
func (l *list) Equal(other ref.Val) ref.Val {
	return l.charged(func() ref.Val { return l.plain().Equal(other) })
}
func (l *list) Type() ref.Type                   { return types.ListType }
func (l *list) Value() any                       { return l.raw }
func (l *list) ConvertToType(t ref.Type) ref.Val { return convert(l, types.ListType, t) }

func (l *list) ConvertToNative(t reflect.Type) (any, error) { return l.plain().ConvertToNative(t) }

// charged runs an operation that compares elements, if the budget allows it.
func (l *list) charged(do func() ref.Val) ref.Val {
	if !l.in.budget.Charge(8 * len(l.raw)) {
		return budget.Exceeded()
	}
	return do()
}

// convert converts an object or a list to another type. CEL allows only its own type and the type "type".
func convert(v ref.Val, own, want ref.Type) ref.Val {
	switch want {
	case own:
		return v
	case types.TypeType:
		return own.(ref.Val)
	default:
		return types.NewErr("type conversion error from '%s' to '%s'", own.TypeName(), want.TypeName())
	}
}
