// SPDX-License-Identifier: Apache-2.0

// Package manifest reads the manifests that `doorbell dev` runs: Sources, ActionMappings and Secrets in YAML files. It
// plays the part of kubectl and the API server: it accepts what a cluster would accept, names every mistake by file, line
// and field, and keeps the version before if the new version of an object is rejected. It must never put the value of a
// Secret into a message.
package manifest

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/yamldoc"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// The kinds that the package reads.
const (
	kindSource        = "Source"
	kindActionMapping = "ActionMapping"
	kindSecret        = "Secret"
)

// Set is the result of reading manifests. The lists are sorted by namespace and name. Callers must not change the objects.
type Set struct {
	Sources  []Loaded[v1alpha1.Source]
	Mappings []Loaded[v1alpha1.ActionMapping]
	// Secrets have their stringData merged into data, as in a cluster.
	Secrets []Loaded[corev1.Secret]
	// Problems are sorted by file and line.
	Problems []problem.Problem
	// Ignored describes the objects of other kinds, one line of text each.
	Ignored []string

	rejected map[identity]bool
}

// HasRejectedSource reports whether a manifest has a Source of this name with mistakes, which are among the problems.
func (s *Set) HasRejectedSource(namespace, name string) bool {
	return s.rejected[identity{kindSource, namespace, name}]
}

// Loaded is an object with its defaults, and its place in a file.
type Loaded[T any] struct {
	Object *T

	document *yamldoc.Document
}

// Locate returns the problem, which another package found in the object, with the position of its field. If the text does
// not have the field, that is the position of the nearest parent.
func (l Loaded[T]) Locate(p problem.Problem) problem.Problem {
	p.Position = l.document.Position(p.Field)
	return p
}

// identity is unique among the objects of a cluster.
type identity struct{ kind, namespace, name string }

func (i identity) String() string { return i.kind + " " + i.namespace + "/" + i.name }

// acceptedObject is an object that passed all checks.
type acceptedObject struct {
	identity
	typed    any // *v1alpha1.Source, *v1alpha1.ActionMapping or *corev1.Secret
	document *yamldoc.Document
}

func (s *Set) add(o *acceptedObject) {
	switch typed := o.typed.(type) {
	case *v1alpha1.Source:
		s.Sources = append(s.Sources, Loaded[v1alpha1.Source]{typed, o.document})
	case *v1alpha1.ActionMapping:
		s.Mappings = append(s.Mappings, Loaded[v1alpha1.ActionMapping]{typed, o.document})
	case *corev1.Secret:
		s.Secrets = append(s.Secrets, Loaded[corev1.Secret]{withStringData(typed), o.document})
	}
}

// withStringData moves stringData to data, as the API server does. stringData overrides data.
func withStringData(secret *corev1.Secret) *corev1.Secret {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
	return secret
}
