// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestMetricsShowTheQueueAndDeadLettersByReason(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	registry := prometheus.NewRegistry()
	metrics := delivery.NewMetrics(registry)
	f := newFixture(t)
	f.answers(knock.TriggerWorkflow, 422)
	running := f.settings
	f.settings.Delivery.Suspend = true
	box := f.openInbox(func(o *inbox.Options) { o.Now = func() time.Time { return at } })
	p := f.start(func(c *delivery.Config) {
		c.Inbox, c.Metrics, c.Now = box, metrics, func() time.Time { return at.Add(42 * time.Second) }
	})
	p.send("order u 1", "identify other 1", "nothing third 1")
	p.pool.MeasureQueue(t.Context())
	compare := func(want string, names ...string) {
		t.Helper()
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
	compare(`
# HELP doorbell_delivery_oldest_event_age_seconds Age of the oldest event of a source that is due or that this process is delivering; for a retry, from when it is due; read every 5 seconds.
# TYPE doorbell_delivery_oldest_event_age_seconds gauge
doorbell_delivery_oldest_event_age_seconds{source="production/rudderstack"} 42
# HELP doorbell_delivery_queue_events Events of a source that are accepted and not finished, in all processes; read every 5 seconds.
# TYPE doorbell_delivery_queue_events gauge
doorbell_delivery_queue_events{source="production/rudderstack"} 3
# HELP doorbell_delivery_paused 1 while the deliveries of a source are paused, because Knock rejects its API key or no call succeeds; else 0.
# TYPE doorbell_delivery_paused gauge
doorbell_delivery_paused{source="production/rudderstack"} 0
`, "doorbell_delivery_queue_events", "doorbell_delivery_oldest_event_age_seconds", "doorbell_delivery_paused")

	p.pool.Configure(running)
	p.finished(3)
	p.stop()
	p.pool.MeasureQueue(t.Context())
	compare(`
# HELP doorbell_delivery_dead_letters_total Events that were dead-lettered, by the reason of their first failed action.
# TYPE doorbell_delivery_dead_letters_total counter
doorbell_delivery_dead_letters_total{reason="rejected"} 1
# HELP doorbell_delivery_oldest_event_age_seconds Age of the oldest event of a source that is due or that this process is delivering; for a retry, from when it is due; read every 5 seconds.
# TYPE doorbell_delivery_oldest_event_age_seconds gauge
doorbell_delivery_oldest_event_age_seconds{source="production/rudderstack"} 0
# HELP doorbell_delivery_leased_bytes Stored size of the events in doorbell_delivery_leases and of their progress; read every 5 seconds.
# TYPE doorbell_delivery_leased_bytes gauge
doorbell_delivery_leased_bytes{source="production/rudderstack"} 0
# HELP doorbell_delivery_leases Events of a source that this process is delivering, or holds back for a rate limit; read every 5 seconds.
# TYPE doorbell_delivery_leases gauge
doorbell_delivery_leases{source="production/rudderstack"} 0
# HELP doorbell_delivery_queue_events Events of a source that are accepted and not finished, in all processes; read every 5 seconds.
# TYPE doorbell_delivery_queue_events gauge
doorbell_delivery_queue_events{source="production/rudderstack"} 0
`, "doorbell_delivery_dead_letters_total", "doorbell_delivery_queue_events", "doorbell_delivery_oldest_event_age_seconds",
		"doorbell_delivery_leases", "doorbell_delivery_leased_bytes")
}
