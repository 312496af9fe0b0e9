// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"maps"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

// publish lets Report see the sources that are served now.
func (s *Server) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served = maps.Clone(s.sources)
}

// current is the sources that are served now.
func (s *Server) current() map[string]*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served // publish never changes it
}

// Report is what the process says of itself. It is about one source, as in a pod.
func (s *Server) Report() report.Report {
	said := report.Report{Program: s.config.Version, Redis: s.vigil.report(), Knock: report.Knock{State: report.KnockIdle}}
	if s.config.Problem != nil {
		said.Configuration.Problem = s.config.Problem()
	}
	for ref, source := range s.current() {
		config := source.config.Load()
		said.Configuration.Source, said.Configuration.Version = ref, *source.version.Load()
		said.Configuration.APIKey = config.Credentials.APIKey != ""
		for _, token := range config.Credentials.Tokens {
			said.Configuration.TokenHashes = append(said.Configuration.TokenHashes, report.TokenHash(token))
		}
		if open := source.opened.Load(); open != nil {
			said.Knock = open.pool.KnockStatus()
		}
	}
	return said
}
