// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Step is one entry of a source's preprocess list.
type Step struct {
	Name  string
	Value *Expression
	// Lazy steps run only when another expression asks for them.
	Lazy bool
}

// Input is what expressions see of one event. Preprocess steps run when they are first asked for, once an event. An Input
// serves one goroutine.
type Input struct {
	body    []byte
	headers map[string]string
	steps   []Step
	results []result // parallel to steps, once one was asked for
	visible int      // steps before this one can be seen; all but while a step runs
	budget  budget
	root    *object
	pre     *object // preprocess, as seen when preSeen steps were visible
	preSeen int
}

type result struct {
	done  bool
	value []byte
	err   error
}

// NewInput prepares an event: body is a valid JSON object, header names are lower case, and a step may use the steps
// before it.
func NewInput(body []byte, headers map[string]string, steps []Step) *Input {
	return &Input{body: body, headers: headers, steps: steps, visible: len(steps)}
}

// Failures runs the steps that have not run, but not the lazy ones, and says why each that failed did.
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

func (in *Input) step(i int) result {
	if in.results == nil {
		in.results = make([]result, len(in.steps))
	}
	if r := &in.results[i]; !r.done {
		outer, spent := in.visible, in.budget
		in.visible, in.budget = i, budget{}
		r.value, r.err = in.steps[i].Value.Eval(in)
		r.done = true
		in.visible, in.budget = outer, spent
	}
	return in.results[i]
}

// find returns a step's value by name; the last of two with one name counts.
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
	return rawjson.Lookup(value, segments[1:])
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

// inputName is how a guarded function finds the Input that it works for; no expression can spell it.
const inputName = "@input"

// ResolveName makes an Input a CEL activation.
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
	case inputName:
		return in, true
	default:
		return nil, false
	}
}

// Parent makes an Input a CEL activation; it has no outer scope.
func (in *Input) Parent() interpreter.Activation { return nil }
