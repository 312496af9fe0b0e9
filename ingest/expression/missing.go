// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/nearest"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// MissingError reports that an expression found no value in one event. Optional fields of a mapping are often missing,
// so Doorbell creates this error far more often than it shows it. The error therefore stores only where the value was
// missing, and its methods build the text. They read the Input, so call them in the goroutine that owns the Input.
type MissingError struct {
	expression *Expression
	in         *Input
	visible    int    // the Input's visible steps at the time of the error
	node       int64  // the part of a CEL expression that failed; 0 for the whole
	key        string // the name that CEL did not find; "" if it is unknown
}

// missing returns the error of an expression that found nothing at a node.
func missing(x *Expression, in *Input, node int64, key string) *MissingError {
	return &MissingError{expression: x, in: in, visible: in.visible, node: node, key: key}
}

// Path returns the path that found nothing, such as body.properties.total, and not the whole expression that contains
// it. If no single path is missing, Path returns the part of the expression that gave no value.
func (e *MissingError) Path() string {
	p, ok, text := e.place()
	if ok {
		return p.String()
	}
	return text
}

// Error implements error. The text contains the missing path, its first segment that the event lacks, and the names
// that the event has instead. It shows at most a few names, shortened, and never a value.
func (e *MissingError) Error() string {
	p, ok, text := e.place()
	if !ok {
		return text + " has no value for this event"
	}
	message := p.String() + " is not in the event"
	if detail := e.detail(p); detail != "" {
		return message + "; " + detail
	}
	return message
}

// place returns the path that is missing, or the text of the part that is not a path.
func (e *MissingError) place() (path, bool, string) {
	x := e.expression
	if x.program == nil {
		return x.path, true, ""
	}
	expr := x.program.find(e.node)
	if found, ok := pathOf(expr); ok {
		return found, true, ""
	}
	for _, candidate := range pathsIn(expr) { // if a branch of a ?: fails, CEL reports the whole ?:
		if segment, ok := e.firstMissing(candidate); ok && segment == e.key {
			return candidate, true, ""
		}
	}
	return path{}, false, x.program.source(e.node)
}

// firstMissing returns the first segment of a path that the event lacks. It reports false if the event has the path.
func (e *MissingError) firstMissing(p path) (string, bool) {
	for i := range p.segments {
		if _, ok := (path{p.root, p.segments[:i+1]}).eval(e.in); !ok {
			return p.segments[i], true
		}
	}
	return "", false
}

// detail names the first segment that is missing and says what the event has there.
func (e *MissingError) detail(p path) string {
	if p.root == rootHeaders {
		return e.headers(p)
	}
	value, depth := e.in.body, 0
	if p.root == rootPreprocess {
		if value, depth = e.step(p), 1; value == nil {
			return e.steps(p)
		}
	}
	for ; depth < len(p.segments); depth++ {
		next, ok := rawjson.Lookup(value, p.segments[depth:depth+1])
		if !ok {
			break
		}
		value = next
	}
	if depth == len(p.segments) {
		return "" // the value is present, but the expression did not use it
	}
	return lacking(path{p.root, p.segments[:depth]}, p.segments[depth], value)
}

// headers says which headers the request has.
func (e *MissingError) headers(p path) string {
	if len(p.segments) == 1 {
		return choice(path{root: rootHeaders}, p.segments[0], slices.Sorted(maps.Keys(e.in.headers)))
	}
	return ""
}

// step returns the value of the preprocess step that a path begins with. It returns nil if there is none.
func (e *MissingError) step(p path) []byte {
	for i := e.visible - 1; i >= 0 && len(p.segments) > 0; i-- {
		if e.in.steps[i].Name == p.segments[0] && e.in.results != nil {
			return e.in.results[i].value
		}
	}
	return nil
}

// steps says which preprocess steps an expression can read.
func (e *MissingError) steps(p path) string {
	names := []string{}
	for _, step := range e.in.steps[:e.visible] {
		if len(p.segments) > 0 && step.Name == p.segments[0] {
			return "the preprocess step " + step.Name + " gave no value"
		}
		names = append(names, step.Name)
	}
	if len(p.segments) == 0 {
		return ""
	}
	return choice(path{root: rootPreprocess}, p.segments[0], names)
}

// lacking explains why a value has no member or element of this name: it names the kind of the value and the names that
// exist.
func lacking(parent path, segment string, value []byte) string {
	switch kind := rawjson.KindOf(value); kind {
	case rawjson.Object:
		names := []string{}
		for key := range rawjson.Members(value) {
			if name := rawjson.Unquote(key); !slices.Contains(names, name) {
				names = append(names, name)
			}
			if len(names) > 1000 { // the sender decides how many members there are, so the work must have a limit
				break
			}
		}
		return choice(parent, segment, names)
	case rawjson.Array:
		count := 0
		for range rawjson.Elements(value) {
			count++
		}
		if count == 1 {
			return parent.String() + " has 1 element"
		}
		return fmt.Sprintf("%s has %d elements", parent, count)
	default:
		return fmt.Sprintf("%s is %s", parent, kind)
	}
}

// The names in a message come from the sender of the event, so both their number and their length are bounded.
const (
	maxNames      = 8
	maxNameLength = 32
)

// choice says which names parent has instead of a segment, and suggests the nearest.
func choice(parent path, segment string, names []string) string {
	if len(names) == 0 {
		return parent.String() + " is empty"
	}
	shown := make([]string, 0, maxNames)
	for _, name := range names[:min(len(names), maxNames)] {
		shown = append(shown, displayName(name))
	}
	text := fmt.Sprintf("%s has no %s, only %s", parent, displayName(segment), strings.Join(shown, ", "))
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if near := nearest.Word(segment, names); near != "" && len(near) <= maxNameLength {
		text += fmt.Sprintf("; did you mean %s?", parent.child(near))
	}
	return text
}

// displayName shortens a name and quotes it unless it is plain.
func displayName(name string) string {
	if characters := []rune(name); len(characters) > maxNameLength {
		name = string(characters[:maxNameLength]) + "…"
	}
	if segmentPattern.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

// IsMissing reports whether an evaluation found no value: the path is not in the event, or its value is null.
func IsMissing(value []byte, err error) bool {
	if _, ok := errors.AsType[*MissingError](err); ok {
		return true
	}
	return err == nil && rawjson.KindOf(value) == rawjson.Null
}
