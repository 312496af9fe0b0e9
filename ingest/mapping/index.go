// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// index finds the mappings of an event type in a time that does not grow with their number.
type index struct {
	exactly  bool // compare event types as they are
	types    map[string][]*compiled
	prefixes map[string][]*compiled
	lengths  []int // of the prefixes, ascending
}

// compiled is one mapping, ready to run.
type compiled struct {
	name     string
	builtin  bool // came with the template
	action   document.ActionName
	rank     int // running order within an event
	inactive bool
	when     *expression.Expression
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
	return index{exactly: exactly, types: map[string][]*compiled{}, prefixes: map[string][]*compiled{}}
}

func (x *index) add(pattern string, m *compiled) {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		prefix = x.normalize(prefix)
		x.prefixes[prefix] = append(x.prefixes[prefix], m)
		return
	}
	pattern = x.normalize(pattern)
	x.types[pattern] = append(x.types[pattern], m)
}

// seal must be called once after the last add.
func (x *index) seal() {
	lengths := map[int]struct{}{}
	for prefix := range x.prefixes {
		lengths[len(prefix)] = struct{}{}
	}
	x.lengths = slices.Sorted(maps.Keys(lengths))
}

// match returns the active mappings of a type in running order, and whether there are inactive ones.
func (x *index) match(eventType string) (active []*compiled, inactive bool) {
	name := x.normalize(eventType)
	collect := func(found []*compiled) {
		for _, m := range found {
			if m.inactive {
				inactive = true
			} else {
				active = append(active, m)
			}
		}
	}
	collect(x.types[name])
	for _, length := range x.lengths {
		if length > len(name) {
			break
		}
		collect(x.prefixes[name[:length]])
	}
	slices.SortFunc(active, func(a, b *compiled) int { return cmp.Compare(a.rank, b.rank) })
	return active, inactive
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
	kind, name, found := strings.Cut(eventType, "/")
	if !found {
		return eventType
	}
	return kind + "/" + strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_':
			return -1
		default:
			return r
		}
	}, strings.ToLower(name))
}
