// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

// Report returns the status of the process. It describes one source, because each ingest pod runs exactly one.
func (s *Server) Report() report.Report {
	status := report.Report{Program: s.config.Version, Redis: s.monitor.Report(), Knock: report.Knock{State: report.KnockIdle}}
	for _, p := range s.pipelines.All() {
		status.Configuration, status.Knock, status.Delivery = p.Report()
	}
	if s.config.ConfigurationProblem != nil {
		status.Configuration.Problem = s.config.ConfigurationProblem()
	}
	return status
}

// checkRedis reads from every Redis server that stores events of the sources. As long as there is no source, it pings
// any server.
func (s *Server) checkRedis(ctx context.Context, client rueidis.Client) error {
	checkedAny := false
	for _, p := range s.pipelines.All() {
		checked, err := p.Check(ctx)
		if err != nil {
			return err
		}
		checkedAny = checkedAny || checked
	}
	if checkedAny {
		return nil
	}
	return client.Do(ctx, client.B().Ping().Build()).Error()
}
