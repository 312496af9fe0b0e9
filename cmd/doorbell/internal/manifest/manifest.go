// SPDX-License-Identifier: Apache-2.0

// Package manifest reads the manifests that "doorbell dev" runs: Sources, ActionMappings and Secrets in YAML files. It
// takes what a cluster would take, names every mistake by file and line, and keeps the last good version of whatever
// breaks while it is being edited.
package manifest

import (
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/text"
)

// Set is everything that a Loader found, each list sorted by namespace and name. Its objects must not be changed.
type Set struct {
	Sources  []Loaded[v1alpha1.Source]
	Mappings []Loaded[v1alpha1.ActionMapping]
	// Secrets have their stringData merged into data, as in a cluster.
	Secrets []Loaded[corev1.Secret]
	// Problems are sorted by file and line.
	Problems []Problem
	// Ignored are the objects of other kinds.
	Ignored []Ignored

	// broken are the objects that are there, but with mistakes.
	broken map[identity]bool
}

// HasBrokenSource tells whether there is a Source of this name that has mistakes, which are among the problems.
func (s *Set) HasBrokenSource(namespace, name string) bool {
	return s.broken[identity{kindSource, namespace, name}]
}

// Loaded is an object, defaults filled in, that knows where it was written.
type Loaded[T any] struct {
	Object *T
	// File it was read from.
	File string
	// Stale is set when the file no longer holds this version, but has nothing better: its lines may have moved.
	Stale bool

	node *text.Node
}

// Position returns where the field at path stands, such as spec.triggerWorkflow.data[total]; the nearest field above it
// if the text does not have it.
func (l Loaded[T]) Position(path string) (file string, line int) {
	line, _ = l.node.Position(path)
	return l.File, line
}

// Problem puts a message of someone else, such as the compiler, where the field at path stands.
func (l Loaded[T]) Problem(path, message string) Problem {
	line, column := l.node.Position(path)
	return Problem{File: l.File, Line: line, Column: column, Field: path, Message: message}
}

// Problem is a mistake in a manifest: what, where, how to fix it. It never holds a value of a Secret. Problems are
// comparable, so that a program that shows them can tell new ones from old ones.
type Problem struct {
	File string
	// Line and Column count from 1; 0 when it is about the file as a whole, or the column is unknown.
	Line, Column int
	Field        string
	Message      string
	// Warning marks what is used all the same.
	Warning bool
}

// Error is FILE:LINE: field: message, without the parts that there are not.
func (p Problem) Error() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Field != "" {
		place += ": " + p.Field
	}
	return place + ": " + p.Message
}

// Ignored is an object that is none of Doorbell's business, or not yet. Comparable, as Problem is.
type Ignored struct {
	File string
	Line int
	// Kind is empty for a document that does not say what it is.
	Kind, Name string
	// Advice says how it would be used; empty for most.
	Advice string
}

// String is FILE:LINE: what it is, left alone, and the advice.
func (i Ignored) String() string {
	what := i.Kind
	switch {
	case i.Kind == "":
		what = "a document without kind"
	case i.Name != "":
		what += " " + i.Name
	}
	place := i.File
	if i.Line > 0 {
		place = fmt.Sprintf("%s:%d", i.File, i.Line)
	}
	if i.Advice != "" {
		return fmt.Sprintf("%s: %s: left alone, %s", place, what, i.Advice)
	}
	return fmt.Sprintf("%s: %s: left alone", place, what)
}

// isKustomization tells from the name: such files need not say their kind.
func isKustomization(path string) bool {
	name := filepath.Base(path)
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}
