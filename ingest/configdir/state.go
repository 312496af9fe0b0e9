// SPDX-License-Identifier: Apache-2.0

package configdir

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// state is the configuration that the directory has provided so far. It keeps the last good document and the last good
// tokens independently, so that a broken document does not delay a token rotation.
type state struct {
	manifest []byte // the manifest of document
	version  string
	document *document.Document
	program  *mapping.Program
	problems error // what is wrong with document; it runs without the invalid mappings

	tokens []string
	until  time.Time // when the second token expires; zero if there is only one

	apiKey       string
	verification secret
}

// secret is the secret of the sender. After a change, its former value stays valid for document.VerificationOverlap.
//
// The overlap covers a pod that has the new value while senders still use the former one. It does not cover a pod that
// kubelet has not given the new value yet: that pod rejects senders that already use the new value. The operator keeps
// this time short by making kubelet refresh the volumes at once. Two gaps remain. A sender may change before the Secret
// does, and a pod that starts after the change has never read the former value. Users must therefore change the Secret
// first, and then the sender within the overlap.
type secret struct {
	current, former string
	until           time.Time // when former expires; zero if there is none
}

// set changes the current value. The previous value becomes the former one. If the previous value is empty, because the
// secret was removed, set keeps the former value instead.
func (s *secret) set(value string, now time.Time) {
	if value != s.current {
		if s.current != "" {
			s.former, s.until = s.current, now.Add(document.VerificationOverlap)
		}
		s.current = value
	}
	if s.expired(now) {
		s.former, s.until = "", time.Time{}
	}
}

func (s *secret) expired(now time.Time) bool { return !s.until.IsZero() && !now.Before(s.until) }

// update stores all valid parts of a snapshot. The error describes the invalid ones.
func (s *state) update(files snapshot, now time.Time) error {
	s.apiKey = files.text(layout.APIKeyFile)
	s.verification.set(files.text(layout.VerificationFile), now)
	return errors.Join(s.updateDocument(files), s.updateTokens(files, now))
}

func (s *state) updateDocument(files snapshot) error {
	manifest, ok := files[layout.ManifestFile]
	if !ok {
		return fmt.Errorf("waiting for a configuration: %s does not exist", layout.ManifestFile)
	}
	doc, err := document.Unpack(manifest, files.part)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if bytes.Equal(manifest, s.manifest) {
		return s.problems
	}
	version, err := document.ManifestVersion(manifest)
	if err != nil {
		return err
	}
	program, problems := mapping.Compile(doc)
	if program == nil {
		return fmt.Errorf("configuration %s does not compile: %w", version, messages(problems))
	}
	s.manifest, s.version, s.document, s.program, s.problems = manifest, version, doc, program, messages(problems)
	return s.problems
}

// messages returns the problems as one error. It omits warnings, which only the authors of mappings need.
func messages(problems []problem.Problem) error {
	var errs []error
	for _, p := range problems {
		switch {
		case p.Warning:
		case p.Mapping != "":
			errs = append(errs, fmt.Errorf("mapping %s is left out: %w", p.Mapping, p))
		default:
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// updateTokens keeps the last tokens valid if the files have none. Without a valid token the receiver would answer 404,
// and senders drop the events that get this status.
func (s *state) updateTokens(files snapshot, now time.Time) error {
	current, previous := files.text(layout.CurrentTokenFile), files.text(layout.PreviousTokenFile)
	if current == "" {
		return fmt.Errorf("waiting for a token: %s is missing or empty", layout.CurrentTokenFile)
	}
	s.tokens, s.until = []string{current}, time.Time{}
	if previous == "" {
		return nil
	}
	until, err := time.Parse(time.RFC3339, files.text(layout.PreviousUntilFile))
	if err != nil {
		return fmt.Errorf("the previous token is not valid: %s: %w", layout.PreviousUntilFile, err)
	}
	if now.Before(until) {
		s.tokens, s.until = append(s.tokens, previous), until
	}
	return nil
}

// expired reports whether the previous token or the former secret has expired since the last update.
func (s *state) expired(now time.Time) bool {
	return !s.until.IsZero() && !now.Before(s.until) || s.verification.expired(now)
}

// config returns the configuration of the source. ok is false until there is a document that compiles and a token.
func (s *state) config() (config pipeline.Config, ok bool) {
	return pipeline.Config{
		Document: s.document, Version: s.version, Program: s.program,
		Credentials: document.Credentials{
			Tokens: s.tokens, APIKey: s.apiKey,
			Verification: s.verification.current, FormerVerification: s.verification.former,
		},
	}, s.program != nil && len(s.tokens) > 0
}
