// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// index finds the mappings of an event type in a time that does not grow with their number.
type index struct {
	exactly  bool // compare event types as they are
	types    map[string]bucket
	prefixes map[string]bucket
	lengths  []int // of the prefixes, ascending
}

// bucket holds the mappings of one type or prefix.
type bucket struct {
	active   []*compiled // in running order
	inactive bool        // whether there are others
}

// compiled is one mapping, ready to run.
type compiled struct {
	name     string
	builtin  bool // came with the template
	action   document.ActionName
	rank     int // running order within an event
	inactive bool
	when     *expression.Expression
	copies   []parameter // whose values are copied into the body as they are
	values   map[string]value
	maps     map[string][]member
	flags    map[string]bool
}

// value is a parameter: an expression, or a literal text.
type value struct {
	x       *expression.Expression
	literal string
}

// member is one entry of a map parameter.
type member struct {
	name string
	x    *expression.Expression
}

func newIndex(exactly bool) index {
	return index{exactly: exactly, types: map[string]bucket{}, prefixes: map[string]bucket{}}
}

// add takes mappings in running order.
func (x *index) add(pattern string, m *compiled) {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		prefix = x.normalize(prefix)
		x.prefixes[prefix] = x.prefixes[prefix].with(m)
		return
	}
	pattern = x.normalize(pattern)
	x.types[pattern] = x.types[pattern].with(m)
}

func (b bucket) with(m *compiled) bucket {
	if m.inactive {
		return bucket{b.active, true}
	}
	return bucket{append(b.active, m), b.inactive}
}

// merge returns what either holds, and changes neither.
func (b bucket) merge(other bucket) bucket {
	inactive := b.inactive || other.inactive
	switch {
	case len(b.active) == 0:
		return bucket{other.active, inactive}
	case len(other.active) == 0:
		return bucket{b.active, inactive}
	}
	both := slices.Concat(b.active, other.active)
	slices.SortFunc(both, func(a, b *compiled) int { return cmp.Compare(a.rank, b.rank) })
	return bucket{both, inactive}
}

// seal must be called once after the last add.
func (x *index) seal() {
	lengths := map[int]struct{}{}
	for prefix := range x.prefixes {
		lengths[len(prefix)] = struct{}{}
	}
	x.lengths = slices.Sorted(maps.Keys(lengths))
}

// match returns the active mappings of a type in running order, and whether there are inactive ones. The list is not the
// caller's to change.
func (x *index) match(eventType string) (active []*compiled, inactive bool) {
	name := x.normalize(eventType)
	found := x.types[name]
	for _, length := range x.lengths {
		if length > len(name) {
			break
		}
		found = found.merge(x.prefixes[name[:length]])
	}
	return found.active, found.inactive
}

func (x *index) normalize(eventType string) string {
	if x.exactly {
		return eventType
	}
	return Normalize(eventType)
}

// Normalize is how event types are compared unless a Source says Exact: in the part behind the first slash, case, spaces,
// hyphens and underscores do not matter, so that "track/Order Completed" meets "track/order_completed".
func Normalize(eventType string) string {
	behind := false
	return strings.Map(func(r rune) rune {
		switch {
		case !behind:
			behind = r == '/'
			return r
		case r == ' ' || r == '-' || r == '_':
			return -1
		default:
			return unicode.ToLower(r)
		}
	}, eventType)
}
