// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// assemble puts the files together. Of several objects with the same identity one is used: a fresh one before a stale
// one, then the one from the file that had it before, so that a copy does not push the original out.
func (l *Loader) assemble(order []string) *Set {
	set := &Set{broken: map[identity]bool{}}
	var candidates []*object
	for _, path := range order {
		f := l.files[path]
		set.Problems = append(set.Problems, f.problems...)
		set.Ignored = append(set.Ignored, f.ignored...)
		candidates = append(candidates, f.objects...)
		maps.Copy(set.broken, f.invalid)
	}
	slices.SortStableFunc(candidates, func(a, b *object) int {
		return cmp.Or(compare(a.stale, b.stale), compare(!l.owns(a), !l.owns(b)))
	})
	used := make(map[identity]*object, len(candidates))
	for _, candidate := range candidates {
		if first := used[candidate.identity]; first == nil {
			used[candidate.identity] = candidate
			set.add(candidate)
		} else if !candidate.stale {
			set.Problems = append(set.Problems, twice(candidate, first))
		}
	}
	l.owners = make(map[identity]string, len(used))
	for id, o := range used {
		l.owners[id] = o.file
	}
	return set
}

func (l *Loader) owns(o *object) bool { return l.owners[o.identity] == o.file }

func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func twice(o, first *object) Problem {
	line, column := o.node.Position("metadata.name")
	other, _ := first.node.Position("metadata.name")
	return Problem{
		File: o.file, Line: line, Column: column, Field: "metadata.name",
		Message: fmt.Sprintf("%s is in %s:%d too, and that one is used; rename or remove one", o.identity, first.file, other),
	}
}

func (s *Set) add(o *object) {
	switch typed := o.typed.(type) {
	case *v1alpha1.Source:
		s.Sources = append(s.Sources, loaded(o, typed))
	case *v1alpha1.ActionMapping:
		s.Mappings = append(s.Mappings, loaded(o, typed))
	case *corev1.Secret:
		s.Secrets = append(s.Secrets, loaded(o, typed))
	}
}

func loaded[T any](o *object, typed *T) Loaded[T] {
	return Loaded[T]{Object: typed, File: o.file, Stale: o.stale, node: o.node}
}

func (s *Set) sort() {
	slices.SortFunc(s.Sources, func(a, b Loaded[v1alpha1.Source]) int {
		return byName(a.Object.Namespace, a.Object.Name, b.Object.Namespace, b.Object.Name)
	})
	slices.SortFunc(s.Mappings, func(a, b Loaded[v1alpha1.ActionMapping]) int {
		return byName(a.Object.Namespace, a.Object.Name, b.Object.Namespace, b.Object.Name)
	})
	slices.SortFunc(s.Secrets, func(a, b Loaded[corev1.Secret]) int {
		return byName(a.Object.Namespace, a.Object.Name, b.Object.Namespace, b.Object.Name)
	})
	slices.SortStableFunc(s.Problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Field, b.Field))
	})
}

func byName(namespace, name, otherNamespace, otherName string) int {
	return cmp.Or(strings.Compare(namespace, otherNamespace), strings.Compare(name, otherName))
}
