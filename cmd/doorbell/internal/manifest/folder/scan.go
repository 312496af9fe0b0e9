// SPDX-License-Identifier: Apache-2.0

// Package folder finds manifest files and notices when they change, by looking at them (stat) again and again: that
// works on every file system, on mounted ones too.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mostEntries bounds a scan, so that a folder given by mistake (a home folder, say) does no harm.
const mostEntries = 20_000

// File is one manifest file as it was when it was looked at.
type File struct {
	Path string
	Info fs.FileInfo
}

// Same tells whether info shows the very same state: same file, size and modification time.
func (f File) Same(info fs.FileInfo) bool {
	return f.Info.Size() == info.Size() && f.Info.ModTime().Equal(info.ModTime()) && os.SameFile(f.Info, info)
}

// Listing is what a scan found: the files in the order of their paths, and the paths that it could not look into.
type Listing struct {
	Files  []File
	Errors []PathError
}

// PathError is a path that cannot be used.
type PathError struct {
	Path    string
	Message string
	// Gone is set when the path does not exist; otherwise what is below it is unknown.
	Gone bool
}

// hides tells whether path may exist although the listing lacks it.
func (l Listing) hides(path string) bool {
	return slices.ContainsFunc(l.Errors, func(e PathError) bool {
		return !e.Gone && (e.Path == path || strings.HasPrefix(path, e.Path+string(filepath.Separator)))
	})
}

// Scan looks at paths: files as they are, whatever their names; folders for *.yaml and *.yml, at any depth, but nothing
// hidden. Links are followed; what several paths lead to is visited once.
func Scan(paths []string) Listing {
	s := scan{files: map[string]File{}, folders: map[string]bool{}}
	for _, path := range paths {
		s.path(filepath.Clean(path))
	}
	files := slices.Collect(maps.Values(s.files))
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return Listing{Files: files, Errors: s.errors}
}

// scan collects files and folders by their real paths, which no link is part of.
type scan struct {
	files   map[string]File
	folders map[string]bool
	errors  []PathError
	entries int
}

func (s *scan) path(path string) {
	real, info, err := follow(path)
	switch {
	case err != nil:
		s.fail(path, err)
	case info.IsDir():
		s.folder(path, real)
	case info.Mode().IsRegular():
		s.file(path, real, info)
	default:
		s.errors = append(s.errors, PathError{Path: path, Message: "is neither a file nor a folder"})
	}
}

func follow(path string) (real string, info fs.FileInfo, err error) {
	if real, err = filepath.EvalSymlinks(path); err != nil {
		return "", nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", nil, err
	}
	info, err = os.Stat(real)
	return real, info, err
}

func (s *scan) file(path, real string, info fs.FileInfo) {
	if _, again := s.files[real]; !again {
		s.files[real] = File{Path: path, Info: info}
	}
}

func (s *scan) folder(path, real string) {
	if s.folders[real] {
		return
	}
	s.folders[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		s.fail(path, err)
		return
	}
	for _, entry := range entries {
		if s.entries++; s.entries > mostEntries {
			message := fmt.Sprintf("more than %d files and folders; name a smaller folder", mostEntries)
			s.errors = append(s.errors, PathError{Path: path, Message: message})
			return
		}
		if !strings.HasPrefix(entry.Name(), ".") {
			s.entry(filepath.Join(path, entry.Name()), filepath.Join(real, entry.Name()), entry)
		}
	}
}

// entry takes folders and YAML files; a link counts as what it leads to, and one that leads nowhere is passed over.
func (s *scan) entry(path, real string, entry fs.DirEntry) {
	if entry.IsDir() {
		s.folder(path, real)
		return
	}
	link := entry.Type()&fs.ModeSymlink != 0
	if !link && !isYAML(path) {
		return
	}
	real, info, err := follow(real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		if isYAML(path) {
			s.fail(path, err)
		}
	case info.IsDir():
		s.folder(path, real)
	case info.Mode().IsRegular() && isYAML(path):
		s.file(path, real, info)
	}
}

func isYAML(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".yaml" || extension == ".yml"
}

func (s *scan) fail(path string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.errors = append(s.errors, PathError{Path: path, Message: "no such file or folder", Gone: true})
		return
	}
	s.errors = append(s.errors, PathError{Path: path, Message: "cannot be read: " + reason(err)})
}

// reason is the cause without the operation and the path.
func reason(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "EvalSymlinks: ")
}
