// SPDX-License-Identifier: Apache-2.0

// Package manifestdir finds manifest files and watches them for changes. `doorbell dev` gives it the paths of the flag
// -f. It compares file metadata at regular intervals, because notifications from the operating system do not work on every
// mounted file system. It must never read the contents of a file: package manifest does that.
package manifestdir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// maxEntries is the largest number of directory entries that one scan reads. It limits the cost of a directory given by
// mistake, such as the home directory.
const maxEntries = 20_000

// File is one manifest file and its metadata at the time of the scan.
type File struct {
	Path string
	Info fs.FileInfo
}

// Same reports whether info describes the same file with the same size and modification time.
func (f File) Same(info fs.FileInfo) bool {
	return f.Info.Size() == info.Size() && f.Info.ModTime().Equal(info.ModTime()) && os.SameFile(f.Info, info)
}

// Listing is the result of a scan.
type Listing struct {
	// Files are sorted by path.
	Files []File
	// Problems name the paths that the scan could not read.
	Problems []problem.Problem
	// Unreadable are the paths that exist but could not be read, so that files below them may be missing from Files.
	Unreadable []string
}

func (l Listing) equal(other Listing) bool {
	same := func(a, b File) bool { return a.Path == b.Path && a.Same(b.Info) }
	return slices.EqualFunc(l.Files, other.Files, same) && slices.Equal(l.Problems, other.Problems)
}

// Scan lists the manifest files at paths. It accepts a path to a file with any extension. In a directory, it lists the
// files *.yaml and *.yml at any depth, without hidden ones. It follows symbolic links, and it lists a file once even if
// several paths lead to it.
func Scan(paths []string) Listing {
	s := scan{files: map[string]File{}, directories: map[string]bool{}}
	for _, path := range paths {
		s.path(filepath.Clean(path), true)
	}
	s.listing.Files = slices.SortedFunc(maps.Values(s.files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return s.listing
}

// scan collects files and directories under their real paths, which contain no links.
type scan struct {
	files       map[string]File
	directories map[string]bool
	entries     int
	listing     Listing
}

// path adds the file or directory at path. A path that the user gave must exist; a link in a directory may be broken.
func (s *scan) path(path string, given bool) {
	real, info, err := resolve(path)
	switch {
	case !given && errors.Is(err, fs.ErrNotExist): // a broken link
	case err != nil:
		s.fail(path, err)
	case info.IsDir():
		s.directory(path, real)
	case !given && !isYAML(path): // a link to another file
	case !info.Mode().IsRegular():
		s.fail(path, errors.New("not a regular file or a directory"))
	case s.files[real].Info == nil:
		s.files[real] = File{Path: path, Info: info}
	}
}

func resolve(path string) (real string, info fs.FileInfo, err error) {
	if real, err = filepath.EvalSymlinks(path); err == nil {
		real, err = filepath.Abs(real)
	}
	if err == nil {
		info, err = os.Stat(real)
	}
	return real, info, err
}

func (s *scan) directory(path, real string) {
	if s.directories[real] {
		return
	}
	s.directories[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		s.fail(path, err)
	}
	for _, entry := range entries {
		if s.entries++; s.entries > maxEntries {
			s.fail(path, fmt.Errorf("more than %d files and directories; give a smaller directory", maxEntries))
			return
		}
		mayHoldYAML := entry.IsDir() || entry.Type()&fs.ModeSymlink != 0 || isYAML(entry.Name())
		if mayHoldYAML && !strings.HasPrefix(entry.Name(), ".") {
			s.path(filepath.Join(path, entry.Name()), false)
		}
	}
}

func isYAML(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".yaml" || extension == ".yml"
}

func (s *scan) fail(path string, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		s.listing.Unreadable = append(s.listing.Unreadable, path)
	}
	message := strings.TrimPrefix(err.Error(), "EvalSymlinks: ")
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		message = cause.Error() // without the path, which the problem names already
	}
	s.listing.Problems = append(s.listing.Problems, problem.Problem{Position: problem.Position{File: path}, Message: message})
}
