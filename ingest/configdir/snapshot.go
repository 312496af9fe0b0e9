// SPDX-License-Identifier: Apache-2.0

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
	// maxFile is the size in bytes of the largest file that is read.
	maxFile = 16 << 20
	// atomicLink is a symbolic link that kubelet keeps in each volume. It points to the directory of the current
	// version, which never changes. Kubelet replaces the whole content of a volume by replacing this link.
	atomicLink = "..data"
	// readAttempts is the number of attempts to read the directory, if it changes during each read.
	readAttempts = 3
)

var errChanging = errors.New("the configuration directory changes while it is read")

// fileNames returns the names of all files that the watcher reads, relative to the configuration directory.
func fileNames() []string {
	names := []string{
		layout.ManifestFile, layout.CurrentTokenFile, layout.PreviousTokenFile, layout.PreviousUntilFile,
		layout.APIKeyFile, layout.VerificationFile,
	}
	for i := range document.MaxParts {
		names = append(names, layout.PartFile(i))
	}
	return names
}

// snapshot is the content of the files at one moment, by name. A file that does not exist has no entry.
type snapshot map[string][]byte

// readSnapshot reads the directory, and returns its fingerprint at the time of the read. It returns an error if the
// directory changed during each attempt, because a file that was missing may have been about to be written.
func readSnapshot(directory string) (files snapshot, mark string, err error) {
	for range readAttempts {
		mark = fingerprint(directory)
		files, err = readFiles(directory)
		if mark == fingerprint(directory) {
			return files, mark, err
		}
	}
	return nil, "", errChanging
}

// fingerprint returns a string that changes when a file changes. It consists of the version that kubelet has linked,
// and of the size and the modification time of each file.
func fingerprint(directory string) string {
	var b strings.Builder
	target, err := os.Readlink(filepath.Join(directory, atomicLink))
	if err != nil {
		target = "not a kubelet volume"
	}
	b.WriteString(target)
	for _, name := range fileNames() {
		if info, err := os.Stat(filepath.Join(directory, filepath.FromSlash(name))); err == nil {
			fmt.Fprintf(&b, "\n%s %d %d", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func readFiles(directory string) (snapshot, error) {
	if version, err := filepath.EvalSymlinks(filepath.Join(directory, atomicLink)); err == nil {
		directory = version // one version for all files, even if kubelet replaces the link during the read
	}
	files := snapshot{}
	for _, name := range fileNames() {
		data, err := readFile(filepath.Join(directory, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			files[name] = data
		}
	}
	return files, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; the limit is %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path) //nolint:gosec // the directory is a flag that only the operator sets
}

// text returns the content of a secret file without surrounding white space, such as the line end that "echo" adds.
func (s snapshot) text(name string) string { return strings.TrimSpace(string(s[name])) }

// part returns a part of the compiled document for document.Unpack.
func (s snapshot) part(i int) ([]byte, error) {
	data, ok := s[layout.PartFile(i)]
	if !ok {
		return nil, errors.New("the file does not exist yet")
	}
	return data, nil
}
