// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"context"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit/permits"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/eventtype"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// defaultMinLease is the shortest lease of a lane unless Dependencies.MinLease is set. Calls with a long timeout get a
// longer lease, so that a worker seldom has to renew it.
const defaultMinLease = 30 * time.Second

// opened is the part of a pipeline that exists once its source is open in Redis.
type opened struct {
	inbox *inbox.Inbox
	log   *eventlog.Log
	types *eventtype.Catalog
	pool  *delivery.Pool
}

// open opens the source in Redis with the latest configuration.
func (p *Pipeline) open(ctx context.Context) (*opened, error) {
	client, err := p.dependencies.Connect(ctx)
	if err != nil {
		return nil, err
	}
	config := p.config.Load()
	box, err := inbox.Open(ctx, client, p.ref, inbox.Options{
		Shards: p.dependencies.Shards, MinReplicas: p.dependencies.MinReplicas, Owner: p.dependencies.Owner, Limits: p.inboxLimits(config),
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	config = p.config.Load() // Configure may have changed it while inbox.Open was waiting for Redis
	box.Configure(p.inboxLimits(config))
	open := &opened{
		inbox: box,
		log:   eventlog.Open(client, box.Space(), p.inboxLimits(config).Log),
		types: eventtype.Open(client, box.Space()),
		pool: delivery.New(delivery.Config{
			Source: p.ref, Inbox: box, Permits: permits.Open(client, box.Space()), Log: p.dependencies.Log, Metrics: p.dependencies.Metrics,
			Observe: p.dependencies.Observe, Now: p.dependencies.Now,
		}, p.deliverySettings(config)),
	}
	p.opened.Store(open)
	return open, nil
}

func (p *Pipeline) inboxLimits(config *Config) inbox.Limits {
	log := config.Document.EventLog
	return inbox.Limits{
		Window: config.Document.Event.Window,
		Log:    eventlog.Limits{MaxEvents: log.MaxEvents, Retention: log.Retention},
		Lease:  p.leaseLength(config),
	}
}

func (p *Pipeline) leaseLength(config *Config) time.Duration {
	return max(cmp.Or(p.dependencies.MinLease, defaultMinLease), 3*config.Document.Delivery.Timeout)
}

// deliverySettings suspends deliveries while there is no API key, because Knock would reject every call. The caller
// holds p.mu.
func (p *Pipeline) deliverySettings(config *Config) delivery.Settings {
	limits := config.Document.Delivery
	limits.Suspend = limits.Suspend || config.Credentials.APIKey == "" && !config.DryRun
	return delivery.Settings{
		Lease: p.leaseLength(config), Program: config.Program, Delivery: limits, Caller: p.caller(config), Redactor: redactor(config),
	}
}

func redactor(config *Config) *eventlog.Redactor {
	log := config.Document.EventLog
	return eventlog.NewRedactor(log.Redact, log.OmitPayloads)
}

// caller returns the Knock client. It makes a new one only if the base URL or the branch has changed, so that a changed
// mapping does not close the connections to Knock. The client reads the API key for each call, so a rotated key needs
// no new client.
func (p *Pipeline) caller(config *Config) delivery.Caller {
	if config.DryRun {
		return delivery.DryRun{}
	}
	if settings := config.Document.Knock; p.client == nil || p.clientOf != settings {
		p.clientOf = settings
		p.client = knock.New(knock.Config{
			BaseURL: settings.BaseURL, Branch: settings.Branch, UserAgent: "doorbell/" + p.dependencies.Version,
			APIKey: func() string { return p.config.Load().Credentials.APIKey }, Transport: p.dependencies.KnockTransport,
		})
	}
	return p.client
}
