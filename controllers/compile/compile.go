// SPDX-License-Identifier: Apache-2.0

// Package compile turns a Source and its ActionMappings into the document that the data plane runs. It is pure, and it
// tells every mistake where its author made it.
package compile

import (
	"fmt"
	"slices"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/problem"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// Result is a compiled Source. Without a Program the Source itself cannot run.
type Result struct {
	Document *document.Document
	Program  *mapping.Program
	Problems []problem.Problem
}

// Source compiles a Source with the mappings that refer to it. A mapping with a mistake is left out and reported; the
// others run.
func Source(source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping) Result {
	base, err := template.Load(string(source.Spec.Type))
	if err != nil {
		return Result{Problems: []problem.Problem{{Field: "spec.type", Message: err.Error()}}}
	}
	return WithTemplate(base, source, mappings)
}

// WithTemplate compiles like Source, but with the given template instead of the one that spec.type names.
func WithTemplate(base *template.Template, source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping) Result {
	if missing := missingScheme(source.Spec.Verification, base); missing != nil {
		return Result{Problems: []problem.Problem{*missing}}
	}
	var problems []problem.Problem
	doc := fromSource(source, base)
	doc.Mappings, problems = defaults(source, base)
	defaultCount := len(doc.Mappings)
	seen := duplicates{}
	for _, m := range oldestFirst(mappings) {
		converted, err := fromMapping(m)
		if err != nil {
			problems = append(problems, problem.Problem{Mapping: m.Name, Field: "spec", Message: err.Error()})
			continue
		}
		if duplicate := seen.add(converted); duplicate != nil {
			problems = append(problems, *duplicate)
			continue
		}
		doc.Mappings = append(doc.Mappings, converted)
	}
	slices.SortStableFunc(doc.Mappings[defaultCount:], byName)
	program, found := mapping.Compile(doc)
	doc.Mappings = slices.DeleteFunc(doc.Mappings, func(m document.Mapping) bool { return broken(m, found) })
	return Result{Document: doc, Program: program, Problems: append(problems, onSource(found)...)}
}

func broken(m document.Mapping, found []problem.Problem) bool {
	return slices.ContainsFunc(found, func(p problem.Problem) bool {
		return !p.Warning && p.Mapping == m.Name && p.Default == m.Default
	})
}

// onSource moves the problems of default mappings to the Source, since no ActionMapping exists that could show them.
func onSource(found []problem.Problem) []problem.Problem {
	moved := slices.Clone(found)
	for i, p := range found {
		if p.Default {
			moved[i].Mapping, moved[i].Field = "", "spec.defaultMappings"
			moved[i].Message = fmt.Sprintf("default mapping %q: %v", p.Mapping, p)
		}
	}
	return moved
}

// defaults returns the template's mappings that the Source wants.
func defaults(source *v1alpha1.Source, base *template.Template) ([]document.Mapping, []problem.Problem) {
	wanted := source.Spec.DefaultMappings
	if wanted == nil {
		return slices.Clone(base.Mappings), nil
	}
	var names []string
	for _, m := range base.Mappings {
		names = append(names, m.Name)
	}
	var chosen []document.Mapping
	var problems []problem.Problem
	for i, name := range *wanted {
		at := slices.Index(names, name)
		if at < 0 {
			problems = append(problems, problem.Problem{
				Field:   fmt.Sprintf("spec.defaultMappings[%d]", i),
				Message: fmt.Sprintf("%s has no default mapping %q; it has %q", base.Type, name, names),
			})
			continue
		}
		chosen = append(chosen, base.Mappings[at])
	}
	return chosen, problems
}
