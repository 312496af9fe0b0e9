// SPDX-License-Identifier: Apache-2.0

// Package configdir reads what a pod runs on from its mounted folder: the compiled document, the URL's tokens and the secrets. Kubelet
// replaces the whole folder at once; where other tools write it, half of a version is noticed and the last good one kept.
package configdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

const (
	// maxFile bounds one file.
	maxFile = 16 << 20
	// atomicLink is where kubelet keeps the current version of a volume: one link to a folder that never changes.
	atomicLink = "..data"
	// takeAttempts is how often a folder that changes while it is read is read again at once.
	takeAttempts = 3
)

var errChanging = errors.New("the folder changes while it is read")

// names are all files that are looked at.
func names() []string {
	names := []string{
		layout.ManifestFile, layout.CurrentTokenFile, layout.PreviousTokenFile, layout.PreviousUntilFile, layout.APIKeyFile, layout.VerificationFile,
	}
	for i := range document.MaxParts {
		names = append(names, layout.PartFile(i))
	}
	return names
}

// snapshot is the content of the files at one moment; those that are not there are absent.
type snapshot map[string][]byte

// take reads the folder, and returns the stamp that it had.
func take(folder string) (taken snapshot, mark string, err error) {
	for range takeAttempts {
		mark = stamp(folder)
		taken, err = readAll(folder)
		if mark == stamp(folder) {
			return taken, mark, err
		}
	}
	return nil, "", errChanging // a file that was not there may only have been about to come
}

// stamp changes whenever the folder does: it tells which version kubelet has linked, and when each file was written.
func stamp(folder string) string {
	var b strings.Builder
	target, err := os.Readlink(filepath.Join(folder, atomicLink))
	if err != nil {
		target = "not kubelet's"
	}
	b.WriteString(target)
	for _, name := range names() {
		if info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name))); err == nil {
			fmt.Fprintf(&b, "\n%s %d %d", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func readAll(folder string) (snapshot, error) {
	if version, err := filepath.EvalSymlinks(filepath.Join(folder, atomicLink)); err == nil {
		folder = version // whatever kubelet links next, these files are of one version
	}
	taken := snapshot{}
	for _, name := range names() {
		data, err := read(filepath.Join(folder, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			taken[name] = data
		}
	}
	return taken, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), maxFile)
	}
	return os.ReadFile(path) //nolint:gosec // the folder is the operator's
}

// text is a secret without the line end that files and "echo" leave behind it.
func (s snapshot) text(name string) string { return strings.TrimSpace(string(s[name])) }

// part reads a part of the document for document.Unpack.
func (s snapshot) part(i int) ([]byte, error) {
	data, ok := s[layout.PartFile(i)]
	if !ok {
		return nil, errors.New("it is not there yet")
	}
	return data, nil
}
