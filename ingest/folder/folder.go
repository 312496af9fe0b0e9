// SPDX-License-Identifier: Apache-2.0

// Package folder reads what a pod runs on from its mounted folder: the compiled document, the URL's tokens and the secrets. Kubelet
// replaces the whole folder at once; where other tools write it, half of a version is noticed and the last good one kept.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// maxFile bounds one file.
const maxFile = 16 << 20

// The files, below the folder.
const (
	manifestFile      = "document/manifest.json"
	partFile          = "document/part-%d"
	currentFile       = "tokens/current"
	previousFile      = "tokens/previous"
	previousUntilFile = "tokens/previousUntil"
	apiKeyFile        = "knock/apiKey"
	verificationFile  = "verification/secret"
)

// Read reads the source that the folder describes. A secret that is not there is left empty.
func Read(folder string, now time.Time) (ingest.Source, error) {
	manifest, err := read(folder, manifestFile)
	if err != nil {
		return ingest.Source{}, fmt.Errorf("waiting for a configuration: %w", err)
	}
	doc, err := document.Unpack(manifest, func(i int) ([]byte, error) { return read(folder, fmt.Sprintf(partFile, i)) })
	if err != nil {
		return ingest.Source{}, err
	}
	credentials, err := credentials(folder, now)
	if err != nil {
		return ingest.Source{}, err
	}
	program, problems := mapping.Compile(doc)
	if program == nil {
		return ingest.Source{}, fmt.Errorf("configuration %s does not compile: %v", doc.Version(), problems)
	}
	return ingest.Source{Document: doc, Program: program, Credentials: credentials}, nil
}

func credentials(folder string, now time.Time) (document.Credentials, error) {
	var failed error
	text := func(name string) string {
		data, err := read(folder, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
		return strings.TrimSpace(string(data))
	}
	found := document.Credentials{APIKey: text(apiKeyFile), Verification: text(verificationFile)}
	if token := text(currentFile); token != "" {
		found.Tokens = append(found.Tokens, token)
	}
	if token := text(previousFile); token != "" {
		until, err := time.Parse(time.RFC3339, text(previousUntilFile))
		if err == nil && now.Before(until) {
			found.Tokens = append(found.Tokens, token)
		}
	}
	if len(found.Tokens) == 0 {
		failed = errors.Join(failed, fmt.Errorf("waiting for a token: %s is missing or empty", currentFile))
	}
	return found, failed
}

func read(folder, name string) ([]byte, error) {
	path := filepath.Join(folder, filepath.FromSlash(name))
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), maxFile)
	}
	return os.ReadFile(path) //nolint:gosec // the folder is the operator's
}
