// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// index finds the mappings of an event type. The time for one lookup does not depend on the number of mappings.
type index struct {
	exactly  bool // compare event types without normalizing them
	types    map[string]group
	prefixes map[string]group
	lengths  []int // the lengths of the prefixes, ascending
}

// group holds the mappings of one event type or one prefix.
type group struct {
	active   []*compiled // in running order
	inactive bool        // reports whether there are inactive mappings too
}

// compiled is one mapping, ready to run.
type compiled struct {
	name     string
	builtin  bool // a default mapping, defined in the template
	action   *action
	rank     int // position in the running order of all mappings
	inactive bool
	when     *expression.Expression // nil: always
	copies   []parameter            // the parameters whose values go into the body unchanged
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
	return index{exactly: exactly, types: map[string]group{}, prefixes: map[string]group{}}
}

// add adds a mapping under its event pattern. The caller must add mappings in running order.
func (x *index) add(pattern string, m *compiled) {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		prefix = x.normalize(prefix)
		x.prefixes[prefix] = x.prefixes[prefix].with(m)
		return
	}
	pattern = x.normalize(pattern)
	x.types[pattern] = x.types[pattern].with(m)
}

func (g group) with(m *compiled) group {
	if m.inactive {
		return group{g.active, true}
	}
	return group{append(g.active, m), g.inactive}
}

// merge returns a group with the mappings of both groups. It does not change them.
func (g group) merge(other group) group {
	inactive := g.inactive || other.inactive
	switch {
	case len(g.active) == 0:
		return group{other.active, inactive}
	case len(other.active) == 0:
		return group{g.active, inactive}
	}
	both := slices.Concat(g.active, other.active)
	slices.SortFunc(both, func(a, b *compiled) int { return cmp.Compare(a.rank, b.rank) })
	return group{both, inactive}
}

// seal prepares the index for match. The caller must call it once, after the last add.
func (x *index) seal() {
	lengths := map[int]struct{}{}
	for prefix := range x.prefixes {
		lengths[len(prefix)] = struct{}{}
	}
	x.lengths = slices.Sorted(maps.Keys(lengths))
}

// match returns the active mappings of an event type in running order, and reports whether there are inactive ones. The
// caller must not change the list.
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

// matches reports whether an active mapping matches an event type.
func (x *index) matches(eventType string) bool {
	name := x.normalize(eventType)
	if len(x.types[name].active) > 0 {
		return true
	}
	for _, length := range x.lengths {
		if length > len(name) {
			return false
		}
		if len(x.prefixes[name[:length]].active) > 0 {
			return true
		}
	}
	return false
}

func (x *index) normalize(eventType string) string {
	if x.exactly {
		return eventType
	}
	return Normalize(eventType)
}

// Normalize returns the form in which event types are compared, unless the Source has eventMatching: Exact. After the
// first slash it ignores case and removes spaces, hyphens and underscores, so that "track/Order Completed" matches
// "track/order_completed".
func Normalize(eventType string) string {
	afterSlash := false
	return strings.Map(func(r rune) rune {
		switch {
		case !afterSlash:
			afterSlash = r == '/'
			return r
		case r == ' ' || r == '-' || r == '_':
			return -1
		default:
			return unicode.ToLower(r)
		}
	}, eventType)
}
