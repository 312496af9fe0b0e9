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

// These are the defaults of the API schema, for Sources to which no API server has applied them.
const (
	defaultBaseURL     = "https://api.knock.app"
	defaultWindow      = 24 * time.Hour
	defaultConcurrency = 64
	defaultTimeout     = 10 * time.Second
	defaultRetryFor    = 24 * time.Hour
	defaultMaxEvents   = 10_000
	defaultRetention   = 7 * 24 * time.Hour
)

// fromSource returns the compiled document of a Source without mappings. A field of the Source takes precedence over the
// template's.
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

func duration(given *metav1.Duration, fallback time.Duration) time.Duration {
	if given == nil {
		return fallback
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

// fromMapping returns an ActionMapping in the form of the compiled document. The document spells actions and parameters as
// the resource does, so fromMapping reads them from the JSON of the spec.
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
	if out.Action, err = onlyAction(fields); err != nil {
		return out, err
	}
	if err := json.Unmarshal(fields[string(out.Action)], &out.Parameters); err != nil {
		return out, fmt.Errorf("%s: %w", out.Action, err)
	}
	return out, nil
}

// onlyAction returns the name of the action among the fields of a spec. The API server enforces that there is exactly one,
// but "doorbell dev" compiles mappings that no API server has seen.
func onlyAction(fields map[string]json.RawMessage) (document.ActionName, error) {
	var all, found []string
	for _, name := range mapping.ActionNames() {
		all = append(all, string(name))
		if _, ok := fields[string(name)]; ok {
			found = append(found, string(name))
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no action: add exactly one of %s", strings.Join(all, ", "))
	case 1:
		return document.ActionName(found[0]), nil
	default:
		return "", fmt.Errorf("found the actions %s: a mapping has exactly one action, so write one ActionMapping for each",
			strings.Join(found, " and "))
	}
}
