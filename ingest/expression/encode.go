// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// maxResult bounds the value of an expression, in bytes of JSON. Knock accepts at most this much data in a trigger.
const maxResult = 10 << 20

// encoder writes CEL values as JSON. An object or a list of the event keeps its bytes.
type encoder struct{}

// value appends v to dst. It returns nil without an error for an optional that has no value.
func (e encoder) value(dst []byte, v ref.Val) ([]byte, error) {
	if len(dst) > maxResult {
		return nil, fmt.Errorf("the result is larger than %d MiB", maxResult>>20)
	}
	switch v := v.(type) {
	case *object:
		return e.raw(dst, v.raw)
	case *list:
		return e.raw(dst, v.raw)
	case types.String:
		return e.raw(dst, rawjson.Quote(string(v)))
	case types.Null:
		return append(dst, "null"...), nil
	case types.Bool:
		return strconv.AppendBool(dst, bool(v)), nil
	case types.Int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case types.Uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case types.Double:
		return e.double(dst, float64(v))
	case types.Bytes:
		return e.raw(dst, rawjson.Quote(base64.StdEncoding.EncodeToString(v)))
	case types.Timestamp:
		return append(dst, rawjson.Quote(v.Time.UTC().Format(time.RFC3339Nano))...), nil
	case types.Duration:
		return append(dst, rawjson.Quote(v.Duration.String())...), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return e.value(dst, v.GetValue())
	case traits.Lister:
		return e.list(dst, v)
	case traits.Mapper:
		return e.object(dst, v)
	case *types.Err:
		return nil, v
	default:
		return nil, fmt.Errorf("a value of type %s cannot be sent as JSON", v.Type().TypeName())
	}
}

func (encoder) raw(dst, raw []byte) ([]byte, error) {
	if len(dst)+len(raw) > maxResult {
		return nil, fmt.Errorf("the result is larger than %d MiB", maxResult>>20)
	}
	return append(dst, raw...), nil
}

// exact bounds the integers that a double represents exactly.
const exact = 1 << 53

// double writes a number above exact with an exponent. Its digits can differ from the digits that Doorbell received,
// and the exponent keeps Doorbell from using it as an id.
func (encoder) double(dst []byte, f float64) ([]byte, error) {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return nil, fmt.Errorf("JSON has no number %v", f)
	case math.Abs(f) > exact:
		return strconv.AppendFloat(dst, f, 'e', -1, 64), nil
	}
	encoded, err := json.Marshal(f)
	return append(dst, encoded...), err
}

func (e encoder) list(dst []byte, l traits.Lister) (out []byte, err error) {
	out = append(dst, '[')
	for it, first := l.Iterator(), true; it.HasNext() == types.True; first = false {
		if !first {
			out = append(out, ',')
		}
		if out, err = e.element(out, it.Next()); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func (e encoder) object(dst []byte, m traits.Mapper) (out []byte, err error) {
	names := []string{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		name, ok := it.Next().(types.String)
		if !ok {
			return nil, fmt.Errorf("an object's keys must be strings")
		}
		names = append(names, string(name))
	}
	slices.Sort(names)
	out = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, rawjson.Quote(name)...), ':')
		if out, err = e.element(out, m.Get(types.String(name))); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// element appends an element of a list or the value of a member. It writes null for an optional without a value.
func (e encoder) element(dst []byte, v ref.Val) ([]byte, error) {
	out, err := e.value(dst, v)
	if out == nil && err == nil {
		return append(dst, "null"...), nil
	}
	return out, err
}
