// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/crd"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

//go:embed secret.yaml
var secretSchema embed.FS

// Loader reads listings into Sets, one after another. Like an API server, it stores the version of each object that it
// accepted last, and keeps that version if the next one is rejected. If a file cannot be read, the Loader keeps all of its
// objects. It is not safe for concurrent use.
type Loader struct {
	catalog *crd.Catalog
	stored  map[identity]*acceptedObject
}

// NewLoader returns a Loader that validates Sources and ActionMappings with the CRDs in the YAML files of crds.
func NewLoader(crds fs.FS) (*Loader, error) {
	catalog, err := crd.Load(crds, secretSchema)
	if err != nil {
		return nil, err
	}
	if group := v1alpha1.SchemeGroupVersion; !catalog.Has(group.WithKind(kindSource)) || !catalog.Has(group.WithKind(kindActionMapping)) {
		return nil, fmt.Errorf("no CRDs of %s", group)
	}
	return &Loader{catalog: catalog}, nil
}

// Load reads the files of the listing. It deletes the objects of files that are not in the listing any more.
func (l *Loader) Load(ctx context.Context, listing manifestdir.Listing) *Set {
	set := &Set{Problems: slices.Clone(listing.Problems), rejected: map[identity]bool{}}
	r := &reader{catalog: l.catalog, set: set, unclear: listing.Unreadable}
	for _, file := range listing.Files {
		r.file(ctx, file)
	}
	l.store(r)
	for _, o := range slices.SortedFunc(maps.Values(l.stored), func(a, b *acceptedObject) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
	}) {
		set.add(o)
	}
	slices.SortStableFunc(set.Problems, func(a, b problem.Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Field, b.Field))
	})
	return set
}

// store replaces the stored objects by the accepted ones. If several files have the same object, the file that had it before
// keeps it, so that a copy does not replace the original.
func (l *Loader) store(r *reader) {
	next := make(map[identity]*acceptedObject, len(r.accepted))
	for _, o := range r.accepted {
		used, before := next[o.identity], l.stored[o.identity]
		if used != nil && before != nil && before.document.File == o.document.File {
			o, used = used, o
		}
		next[o.identity] = cmp.Or(used, o)
		if used != nil {
			position := used.document.Position("metadata.name")
			r.add(o.document, "metadata.name", fmt.Sprintf(
				"%s is also in %s:%d, and Doorbell uses that one; rename or remove one", o.identity, position.File, position.Line))
		}
	}
	for id, before := range l.stored {
		hides := func(path string) bool {
			return path == "." || strings.HasPrefix(before.document.File+string(filepath.Separator), path+string(filepath.Separator))
		}
		if next[id] == nil && (r.set.rejected[id] || slices.ContainsFunc(r.unclear, hides)) {
			next[id] = before
		}
	}
	l.stored = next
}
