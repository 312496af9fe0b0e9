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
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// Problem is a mistake in the Source or in one of its ActionMappings.
type Problem struct {
	// Mapping names the ActionMapping; empty when the mistake is the Source's.
	Mapping string
	// Field is the path of the field, such as spec.triggerWorkflow.recipients.
	Field   string
	Message string
	// Warning marks what works but may not be what was meant.
	Warning bool
	// DuplicateOf names the older mapping that does the same; empty for every other problem.
	DuplicateOf string
}

func (p Problem) Error() string { return p.Field + ": " + p.Message }

// Result is a compiled Source. Without a Program the Source itself cannot run.
type Result struct {
	Document *document.Document
	Program  *mapping.Program
	Problems []Problem
}

// Source compiles a Source with the mappings that refer to it. A mapping with a mistake is left out and reported; the
// others run.
func Source(source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping) Result {
	base, err := template.Load(string(source.Spec.Type))
	if err != nil {
		return Result{Problems: []Problem{{Field: "spec.type", Message: err.Error()}}}
	}
	var problems []Problem
	doc := fromSource(source, base)
	doc.Mappings, problems = defaults(source, base)
	defaultCount := len(doc.Mappings)
	seen := duplicates{}
	for _, m := range oldestFirst(mappings) {
		converted, err := fromMapping(m)
		if err != nil {
			problems = append(problems, Problem{Mapping: m.Name, Field: "spec", Message: err.Error()})
			continue
		}
		if problem := seen.add(converted); problem != nil {
			problems = append(problems, *problem)
			continue
		}
		doc.Mappings = append(doc.Mappings, converted)
	}
	slices.SortStableFunc(doc.Mappings[defaultCount:], byName)
	program, found := mapping.Compile(doc)
	doc.Mappings = slices.DeleteFunc(doc.Mappings, func(m document.Mapping) bool { return broken(m, found) })
	return Result{Document: doc, Program: program, Problems: append(problems, translate(found)...)}
}

func broken(m document.Mapping, found []mapping.Problem) bool {
	return slices.ContainsFunc(found, func(p mapping.Problem) bool {
		return !p.Warning && p.Mapping == m.Name && p.Default == m.Default
	})
}

// translate names the resources' fields. A mistake in a default mapping is the template's, and shown on the Source.
func translate(found []mapping.Problem) []Problem {
	problems := make([]Problem, len(found))
	for i, p := range found {
		problems[i] = Problem{Mapping: p.Mapping, Field: "spec." + p.Field, Message: p.Err.Error(), Warning: p.Warning}
		if p.Default {
			problems[i].Mapping = ""
			problems[i].Field = "spec.defaultMappings"
			problems[i].Message = fmt.Sprintf("%s, %s: %v", p.Mapping, p.Field, p.Err)
		}
	}
	return problems
}

// defaults returns the template's mappings that the Source wants.
func defaults(source *v1alpha1.Source, base *template.Template) ([]document.Mapping, []Problem) {
	wanted := source.Spec.DefaultMappings
	if wanted == nil {
		return slices.Clone(base.Mappings), nil
	}
	var names []string
	for _, m := range base.Mappings {
		names = append(names, m.Name)
	}
	var chosen []document.Mapping
	var problems []Problem
	for i, name := range *wanted {
		at := slices.Index(names, name)
		if at < 0 {
			problems = append(problems, Problem{
				Field:   fmt.Sprintf("spec.defaultMappings[%d]", i),
				Message: fmt.Sprintf("%s has no default mapping %q; it has %q", base.Type, name, names),
			})
			continue
		}
		chosen = append(chosen, base.Mappings[at])
	}
	return chosen, problems
}
