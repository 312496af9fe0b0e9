// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/crd"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/folder"
)

// mostBytes bounds a file.
const mostBytes = 5 << 20

// Loader turns listings into Sets, one after the other. It remembers the last good version of every object: a file
// that cannot be read keeps all of its objects, an object with a mistake its version before. Only what is deleted (the
// file, or the object from a file without mistakes) goes. A Loader is for one goroutine.
type Loader struct {
	catalog *crd.Catalog
	files   map[string]*file
	// owners are the files that objects were last taken from.
	owners map[identity]string
}

// file is what is known of one file.
type file struct {
	sum [sha256.Size]byte
	content
}

// NewLoader makes a Loader that checks Sources and ActionMappings with the CRDs in the YAML files of crds.
func NewLoader(crds fs.FS) (*Loader, error) {
	catalog, err := crd.Load(crds)
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{kindSource, kindActionMapping} {
		if gvk := v1alpha1.SchemeGroupVersion.WithKind(kind); !catalog.Has(gvk) {
			return nil, fmt.Errorf("no CRD of %s", gvk)
		}
	}
	return &Loader{catalog: catalog, files: map[string]*file{}, owners: map[identity]string{}}, nil
}

// Load reads the files of the listing that have changed, and forgets those that it lacks.
func (l *Loader) Load(ctx context.Context, listing folder.Listing) *Set {
	listed := make(map[string]bool, len(listing.Files))
	var order []string
	for _, f := range listing.Files {
		listed[f.Path] = true
		l.refresh(ctx, f)
		if l.files[f.Path] != nil {
			order = append(order, f.Path)
		}
	}
	for path := range l.files {
		if !listed[path] {
			delete(l.files, path)
		}
	}
	set := l.assemble(order)
	for _, e := range listing.Errors {
		set.Problems = append(set.Problems, Problem{File: e.Path, Message: e.Message})
	}
	set.sort()
	return set
}

// errMoving says that a file is no longer what the listing saw.
var errMoving = errors.New("still changing")

// refresh brings one file up to date. A file in motion is left as it was known: the next listing has it.
func (l *Loader) refresh(ctx context.Context, listed folder.File) {
	known := l.files[listed.Path]
	data, err := read(listed)
	if known != nil && (errors.Is(err, errMoving) || errors.Is(err, fs.ErrNotExist)) {
		return
	}
	if err != nil && !errors.Is(err, errMoving) {
		problem := Problem{File: listed.Path, Message: err.Error()}
		l.files[listed.Path] = &file{content: content{unclear: true, problems: []Problem{problem}}.after(known)}
		return
	}
	sum := sha256.Sum256(data)
	if known == nil || known.sum != sum {
		l.files[listed.Path] = &file{sum: sum, content: parse(ctx, l.catalog, listed.Path, data).after(known)}
	}
}

// read returns the data with errMoving when it may be half of what it will be.
func read(listed folder.File) ([]byte, error) {
	opened, err := os.Open(listed.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", cause(err))
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", cause(err))
	}
	if len(data) > mostBytes {
		return nil, fmt.Errorf("larger than %d MiB; split it", mostBytes>>20)
	}
	if info, err := opened.Stat(); err != nil || !listed.Same(info) {
		return data, errMoving
	}
	return data, nil
}

// cause leaves the path out, which the problem names already.
func cause(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

// after adds the last good versions of what the file holds with mistakes; of all that is absent if that is unclear.
func (c content) after(known *file) content {
	if known == nil {
		return c
	}
	fresh := make(map[identity]bool, len(c.objects))
	for _, o := range c.objects {
		fresh[o.identity] = true
	}
	for _, o := range known.objects {
		if !fresh[o.identity] && (c.unclear || c.invalid[o.identity]) {
			kept := *o
			kept.stale = true
			c.objects = append(c.objects, &kept)
		}
	}
	return c
}
