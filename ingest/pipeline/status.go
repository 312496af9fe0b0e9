// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

// Check reads from each Redis server that stores events of the source, and returns the first error. Before the source
// is open it returns the error of the latest attempt to open it. Before the first attempt has ended, it returns false
// and no error.
func (p *Pipeline) Check(ctx context.Context) (checked bool, err error) {
	if open := p.opened.Load(); open != nil {
		_, err := open.inbox.Depth(ctx) // the depth is stored in every shard
		return true, err
	}
	if err := p.openError.Load(); err != nil {
		return true, *err
	}
	return false, nil
}

// Report returns the configuration that the pipeline runs, the state of Knock according to the latest calls, and the
// events that wait.
func (p *Pipeline) Report() (report.Configuration, report.Knock, report.Delivery) {
	config := p.config.Load()
	configuration := report.Configuration{Source: p.ref, Version: config.Version, APIKey: config.Credentials.APIKey != ""}
	for _, token := range config.Credentials.Tokens {
		configuration.TokenHashes = append(configuration.TokenHashes, report.TokenHash(token))
	}
	if open := p.opened.Load(); open != nil {
		return configuration, open.pool.KnockStatus(), open.pool.Waiting()
	}
	return configuration, report.Knock{State: report.KnockIdle}, report.Delivery{}
}
