// SPDX-License-Identifier: Apache-2.0

package configdir

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// source is what the folder has said so far. Document and tokens keep their last good version, each for itself: a broken document
// does not hold up a rotated token.
type source struct {
	manifest []byte // of the version that was compiled
	version  string
	document *document.Document
	program  *mapping.Program
	mistakes error // of that version, which runs nevertheless

	tokens []string
	until  time.Time // when the second token ends; zero if there is none

	apiKey, verification string
}

// learn takes over what is good in a snapshot; the error says what is not.
func (s *source) learn(taken snapshot, now time.Time) error {
	s.apiKey, s.verification = taken.text(layout.APIKeyFile), taken.text(layout.VerificationFile)
	return errors.Join(s.learnDocument(taken), s.learnTokens(taken, now))
}

func (s *source) learnDocument(taken snapshot) error {
	manifest, ok := taken[layout.ManifestFile]
	if !ok {
		return fmt.Errorf("waiting for a configuration: %s is not there", layout.ManifestFile)
	}
	doc, err := document.Unpack(manifest, taken.part)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if bytes.Equal(manifest, s.manifest) {
		return s.mistakes
	}
	version, err := document.ManifestVersion(manifest)
	if err != nil {
		return err
	}
	program, problems := mapping.Compile(doc)
	if program == nil {
		return fmt.Errorf("configuration %s does not compile: %w", version, told(problems))
	}
	s.manifest, s.version, s.document, s.program, s.mistakes = manifest, version, doc, program, told(problems)
	return s.mistakes
}

// told names the mistakes; warnings are for those who write mappings.
func told(problems []problem.Problem) error {
	var mistakes []error
	for _, p := range problems {
		switch {
		case p.Warning:
		case p.Mapping != "":
			mistakes = append(mistakes, fmt.Errorf("mapping %s is left out: %w", p.Mapping, p))
		default:
			mistakes = append(mistakes, p)
		}
	}
	return errors.Join(mistakes...)
}

// learnTokens leaves the last tokens valid when there are none: senders that are told 404 drop their events.
func (s *source) learnTokens(taken snapshot, now time.Time) error {
	current, previous := taken.text(layout.CurrentTokenFile), taken.text(layout.PreviousTokenFile)
	if current == "" {
		return fmt.Errorf("waiting for a token: %s is missing or empty", layout.CurrentTokenFile)
	}
	s.tokens, s.until = []string{current}, time.Time{}
	if previous == "" {
		return nil
	}
	until, err := time.Parse(time.RFC3339, taken.text(layout.PreviousUntilFile))
	if err != nil {
		return fmt.Errorf("the previous token is not valid: %s: %w", layout.PreviousUntilFile, err)
	}
	if now.Before(until) {
		s.tokens, s.until = append(s.tokens, previous), until
	}
	return nil
}

// expired tells that a token has ended since the folder was read.
func (s *source) expired(now time.Time) bool { return !s.until.IsZero() && !now.Before(s.until) }

// served is what can be served; false until there is a document and a token.
func (s *source) served() (ingest.Source, bool) {
	return ingest.Source{
		Document: s.document, Version: s.version, Program: s.program,
		Credentials: document.Credentials{Tokens: s.tokens, APIKey: s.apiKey, Verification: s.verification},
	}, s.program != nil && len(s.tokens) > 0
}
