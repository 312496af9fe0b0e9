// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// memoryLimit is the value of GOMEMLIMIT that the operator sets by default: half of 512 MiB.
const memoryLimit = 512 << 20 / 2

// source describes a Source of the type RudderStack.
type source struct {
	name      string
	mappings  int    // including the default mappings; 0 means the default mappings only
	condition string // of every mapping that is not a default mapping
	suspend   bool
	timeout   time.Duration // of a call; 0 means 10s
}

// startIngest starts an ingest process for the source, with a configuration directory as the operator mounts it into a
// pod.
func (r *rig) startIngest(ctx context.Context, s source) (*target, error) {
	config := filepath.Join(r.directory, s.name)
	if err := r.writeConfiguration(config, s); err != nil {
		return nil, err
	}
	t, err := r.startTarget(ctx, s.name, "/production/"+s.name+"/token", func(addr string) (*process, error) {
		return r.start(ctx, []string{fmt.Sprintf("GOMEMLIMIT=%d", memoryLimit)}, r.ingest,
			"--config", config, "--listen", addr, "--admin", "127.0.0.1:0", "--redis-address", r.redisAddr)
	})
	if err != nil {
		return nil, err
	}
	space := keyspace.New("production/"+s.name, 1)
	t.space = &space
	if !s.suspend {
		_, err = r.awaitFinished(ctx, t)
	}
	return t, err
}

// writeConfiguration writes the configuration directory of a source. The rate limits are never reached.
func (r *rig) writeConfiguration(directory string, s source) error {
	base, err := template.Load("RudderStack")
	if err != nil {
		return err
	}
	if s.timeout == 0 {
		s.timeout = 10 * time.Second
	}
	bundle, err := document.Pack(&document.Document{
		Namespace: "production", Name: s.name, Type: base.Type, Knock: document.Knock{BaseURL: "http://" + r.knock.addr},
		Event: document.Event{
			Type: base.EventType, Timestamp: base.Timestamp, IdempotencyKey: base.IdempotencyKey, OrderingKey: base.OrderingKey,
			Preprocess: base.Preprocess, Window: 24 * time.Hour,
		},
		Delivery: document.Delivery{
			Concurrency: 64, Timeout: s.timeout, RetryFor: 24 * time.Hour, Suspend: s.suspend,
			RateLimits: map[string]int32{string(knock.TriggerWorkflow): 1_000_000},
		},
		EventLog: document.EventLog{MaxEvents: 10_000, Retention: 7 * 24 * time.Hour},
		Mappings: append(base.Mappings, moreMappings(s.mappings-len(base.Mappings), s.condition)...),
	})
	if err != nil {
		return err
	}
	files := map[string]string{
		layout.ManifestFile: string(bundle.Manifest), layout.CurrentTokenFile: "token", layout.APIKeyFile: "sk_test",
	}
	for i, part := range bundle.Parts {
		files[layout.PartFile(i)] = string(part)
	}
	for name, text := range files {
		path := filepath.Join(directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// moreMappings returns mappings that each trigger a workflow for an event of their own, none of which is sent.
func moreMappings(count int, condition string) []document.Mapping {
	var mappings []document.Mapping
	for i := range count {
		mappings = append(mappings, document.Mapping{
			Name: fmt.Sprintf("mapping-%d", i), Event: fmt.Sprintf("track/event_%d", i), Action: document.ActionName(knock.TriggerWorkflow),
			When: condition,
			Parameters: document.Parameters{
				"workflow": {Text: fmt.Sprintf("workflow-%d", i)}, "recipients": {Text: "body.userId"}, "dataFrom": {Text: "body.properties"},
			},
		})
	}
	return mappings
}
