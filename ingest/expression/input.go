// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/doorbell-dev/doorbell/ingest/expression/budget"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Step is one entry of a source's preprocess list.
type Step struct {
	Name  string
	Value *Expression
	// Lazy reports that the step runs only when another expression reads it.
	Lazy bool
}

// Input holds what expressions read of one event. Each preprocess step runs at most once for an event, when an
// expression first reads it. An Input serves one goroutine.
type Input struct {
	body    []byte
	headers map[string]string
	steps   []Step
	results []result // of the steps, in their order; nil until an expression reads one
	visible int      // how many steps an expression can read: all, or while a step runs, only the steps before it
	budget  budget.Budget
	root    *object
	members *rawjson.Index    // of the body; nil until an expression reads one
	indexes []*rawjson.Index  // of other objects that an expression has read
	few     [4]*rawjson.Index // the memory of indexes while they are few
	pre     *object           // the variable preprocess, when preSeen steps were visible
	preSeen int
}

type result struct {
	done  bool
	value []byte
	err   error
}

// NewInput returns the Input of one event. body must be a valid JSON object, and the names of headers must be in lower
// case. A step can read the steps before it.
func NewInput(body []byte, headers map[string]string, steps []Step) *Input {
	return &Input{body: rawjson.Trim(body), headers: headers, steps: steps, visible: len(steps)}
}

// UseIndex makes the Input read the members of the body from an index instead of making one. It has no effect if index
// is nil or not the index of the body.
func (in *Input) UseIndex(index *rawjson.Index) {
	if index != nil && sameMemory(index.Object(), in.body) {
		in.members = index
	}
}

// maxIndexes bounds how many objects besides the body an Input indexes.
const maxIndexes = 32

// member returns a member of an object of the event. Expressions read the same few objects again and again, so the
// Input indexes each object when an expression first reads a member of it.
func (in *Input) member(object []byte, name string) ([]byte, bool) {
	if sameMemory(object, in.body) {
		if in.members == nil {
			in.members = &rawjson.Index{}
			in.members.Read(in.body)
		}
		return in.members.Member(name)
	}
	for _, index := range in.indexes {
		if sameMemory(object, index.Object()) {
			return index.Member(name)
		}
	}
	if len(in.indexes) == maxIndexes {
		return rawjson.Member(object, name)
	}
	index := &rawjson.Index{}
	index.Read(object)
	if in.indexes == nil {
		in.indexes = in.few[:0]
	}
	in.indexes = append(in.indexes, index)
	return index.Member(name)
}

// sameMemory reports whether two objects are the same bytes in memory.
func sameMemory(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

// lookup returns the value at a path below a value. It reports false if there is none.
func (in *Input) lookup(value []byte, path []string) (found []byte, ok bool) {
	for _, segment := range path {
		if rawjson.KindOf(value) == rawjson.Object {
			value, ok = in.member(value, segment)
		} else {
			value, ok = rawjson.Lookup(value, []string{segment})
		}
		if !ok {
			return nil, false
		}
	}
	return value, len(value) > 0
}

// Failures runs the steps that have not run yet, except lazy ones, and returns the reason for each step that failed.
func (in *Input) Failures() []string {
	for i := range in.steps {
		if !in.steps[i].Lazy {
			in.step(i)
		}
	}
	var failures []string
	for i, r := range in.results {
		if r.err != nil {
			failures = append(failures, fmt.Sprintf("preprocess %s: %v", in.steps[i].Name, r.err))
		}
	}
	return failures
}

// step returns the result of a step, and runs the step if it has not run yet. Each step has its own budget.
func (in *Input) step(i int) result {
	if in.results == nil {
		in.results = make([]result, len(in.steps))
	}
	if r := &in.results[i]; !r.done {
		outer, spent := in.visible, in.budget
		in.visible, in.budget = i, budget.Budget{}
		r.value, r.err = in.steps[i].Value.Eval(in)
		r.done = true
		in.visible, in.budget = outer, spent
	}
	return in.results[i]
}

// find returns the value of a step. If two steps have the name, the later one wins.
func (in *Input) find(name string) ([]byte, bool) {
	for i := in.visible - 1; i >= 0; i-- {
		if in.steps[i].Name == name {
			r := in.step(i)
			return r.value, r.err == nil
		}
	}
	return nil, false
}

func (in *Input) preprocessed(segments []string) ([]byte, bool) {
	if len(segments) == 0 {
		return in.preprocessObject(), true
	}
	value, ok := in.find(segments[0])
	if !ok {
		return nil, false
	}
	return in.lookup(value, segments[1:])
}

func (in *Input) preprocessObject() []byte {
	var b rawjson.Builder
	seen := map[string]bool{}
	for i := range in.visible {
		name := in.steps[i].Name
		if value, ok := in.find(name); ok && !seen[name] {
			b.Add(name, value)
		}
		seen[name] = true
	}
	return b.Bytes()
}

func (in *Input) headerObject() []byte {
	var b rawjson.Builder
	for _, name := range slices.Sorted(maps.Keys(in.headers)) {
		b.Add(name, rawjson.Quote(in.headers[name]))
	}
	return b.Bytes()
}

// ResolveName returns a variable of an expression. Together with Parent it implements interpreter.Activation.
func (in *Input) ResolveName(name string) (any, bool) {
	switch name {
	case rootBody:
		if in.root == nil {
			in.root = &object{in: in, raw: in.body}
		}
		return in.root, true
	case rootHeaders:
		return types.NewStringStringMap(types.DefaultTypeAdapter, in.headers), true
	case rootPreprocess:
		if in.pre == nil || in.preSeen != in.visible {
			in.pre, in.preSeen = &object{in: in, raw: in.preprocessObject()}, in.visible
		}
		return in.pre, true
	case budget.Variable:
		return &in.budget, true
	default:
		return nil, false
	}
}

// Parent returns nil, because the variables have no enclosing scope.
func (in *Input) Parent() interpreter.Activation { return nil }
