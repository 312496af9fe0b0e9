// SPDX-License-Identifier: Apache-2.0

// Package compile turns a Source and its ActionMappings into the compiled document that the ingest process runs. The Source
// controller and "doorbell dev" call it. It reports each mistake at the field where its author made it. It must never
// perform I/O, so that the same resources always give the same document.
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

// Result is a compiled Source.
type Result struct {
	// Document is the compiled document without the mappings that have mistakes. It is nil if the template does not exist or
	// does not fit the Source.
	Document *document.Document
	// Program is the executable form of the document. It is nil if the Source itself has a mistake and cannot run.
	Program *mapping.Program
	// Problems are the mistakes and warnings in the Source and its mappings.
	Problems []problem.Problem
}

// Source compiles a Source with the mappings that refer to it. It leaves out a mapping with a mistake and reports the
// mistake, and the other mappings run.
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
	problems = append(problems, unknownEventTypes(source, base, doc.Mappings[defaultCount:])...)
	program, found := mapping.Compile(doc)
	doc.Mappings = slices.DeleteFunc(doc.Mappings, func(m document.Mapping) bool { return hasMistake(m, found) })
	return Result{Document: doc, Program: program, Problems: append(problems, onSource(found)...)}
}

// hasMistake reports whether one of the problems is a mistake in the mapping. Warnings do not count.
func hasMistake(m document.Mapping, found []problem.Problem) bool {
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

// defaults returns the template's mappings that the Source selects: all of them if it has no spec.defaultMappings.
func defaults(source *v1alpha1.Source, base *template.Template) ([]document.Mapping, []problem.Problem) {
	selected := source.Spec.DefaultMappings
	if selected == nil {
		return slices.Clone(base.Mappings), nil
	}
	var names []string
	for _, m := range base.Mappings {
		names = append(names, m.Name)
	}
	var chosen []document.Mapping
	var problems []problem.Problem
	for i, name := range *selected {
		at := slices.Index(names, name)
		if at < 0 {
			problems = append(problems, problem.Problem{
				Field:   fmt.Sprintf("spec.defaultMappings[%d]", i),
				Message: fmt.Sprintf("source type %s has no default mapping %q; choose from %q", base.Type, name, names),
			})
			continue
		}
		chosen = append(chosen, base.Mappings[at])
	}
	return chosen, problems
}
