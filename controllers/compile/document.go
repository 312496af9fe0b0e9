// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// The defaults of the schema, for objects that did not pass an API server.
const (
	defaultBaseURL     = "https://api.knock.app"
	defaultWindow      = 24 * time.Hour
	defaultConcurrency = 64
	defaultTimeout     = 10 * time.Second
	defaultRetryFor    = 24 * time.Hour
	defaultMaxEvents   = 10_000
	defaultRetention   = 7 * 24 * time.Hour
)

func fromSource(source *v1alpha1.Source, base *template.Template) *document.Document {
	spec := &source.Spec
	doc := &document.Document{
		Namespace: source.Namespace, Name: source.Name, Type: string(spec.Type),
		Knock: document.Knock{
			BaseURL: strings.TrimRight(cmp.Or(spec.Knock.BaseURL, defaultBaseURL), "/"), Branch: spec.Knock.Branch,
		},
		Event: document.Event{
			Type:           cmp.Or(string(spec.EventType), base.EventType),
			Timestamp:      cmp.Or(string(spec.Timestamp), base.Timestamp),
			Exact:          spec.EventMatching == v1alpha1.EventMatchingExact,
			IdempotencyKey: cmp.Or(string(spec.Idempotency.Key), base.IdempotencyKey),
			Window:         duration(spec.Idempotency.Window, defaultWindow),
			OrderingKey:    cmp.Or(string(spec.Ordering.Key), base.OrderingKey),
			Preprocess:     slices.Clone(base.Preprocess),
		},
		Verification: verification(spec.Verification, base),
		Delivery: document.Delivery{
			Concurrency: int(cmp.Or(spec.Delivery.Concurrency, defaultConcurrency)),
			Timeout:     duration(spec.Delivery.Timeout, defaultTimeout),
			RetryFor:    duration(spec.Delivery.RetryFor, defaultRetryFor),
			RateLimits:  spec.Delivery.RateLimits,
			Suspend:     spec.Delivery.Suspend,
		},
		EventLog: eventLog(spec.EventLog),
	}
	if spec.Idempotency.Mode == v1alpha1.IdempotencyDisabled {
		doc.Event.IdempotencyKey = ""
	}
	for _, step := range spec.Preprocess {
		doc.Event.Preprocess = append(doc.Event.Preprocess, document.Step{Name: step.Name, Value: string(step.Value)})
	}
	return doc
}

func duration(given *metav1.Duration, otherwise time.Duration) time.Duration {
	if given == nil {
		return otherwise
	}
	return given.Duration
}

func eventLog(spec v1alpha1.EventLog) document.EventLog {
	log := document.EventLog{
		MaxEvents: defaultMaxEvents, Retention: duration(spec.Retention, defaultRetention),
		OmitPayloads: spec.Payloads == v1alpha1.PayloadsOmitted,
	}
	if spec.MaxEvents != nil {
		log.MaxEvents = int(*spec.MaxEvents)
	}
	for _, path := range spec.Redact {
		log.Redact = append(log.Redact, string(path))
	}
	return log
}

// fromMapping reads the one action out of the spec by its JSON name: the document spells actions and parameters as the
// resource does.
func fromMapping(m *v1alpha1.ActionMapping) (document.Mapping, error) {
	out := document.Mapping{
		Name: m.Name, Event: m.Spec.Event, When: string(m.Spec.When),
		Inactive: m.Spec.Active != nil && !*m.Spec.Active,
	}
	encoded, err := json.Marshal(m.Spec)
	if err != nil {
		return out, fmt.Errorf("encode: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return out, fmt.Errorf("decode: %w", err)
	}
	for _, name := range mapping.ActionNames() {
		parameters, ok := fields[string(name)]
		if !ok {
			continue
		}
		if out.Action != "" {
			return out, fmt.Errorf("%s and %s: a mapping has exactly one action", out.Action, name)
		}
		out.Action = name
		if err := json.Unmarshal(parameters, &out.Parameters); err != nil {
			return out, fmt.Errorf("%s: %w", name, err)
		}
	}
	if out.Action == "" {
		return out, fmt.Errorf("no action; write exactly one of %q", mapping.ActionNames())
	}
	return out, nil
}
