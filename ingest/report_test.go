// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/report"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestTheReportTellsWhatRuns(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.reports("before the configuration is loaded", func(r report.Report) bool { return r.Configuration.Source == "" })
	shop := w.source("shop", "order")
	shop.Version, shop.Credentials.APIKey = "v1", ""
	shop.Credentials.Tokens = append(shop.Credentials.Tokens, "old")
	w.apply(shop)
	got := w.reports("Redis", func(r report.Report) bool { return r.Redis.State == report.RedisConnected })
	want := report.Report{
		Program: "test",
		Configuration: report.Configuration{
			Source: "production/shop", Version: "v1", TokenHashes: []string{"3c469e9d", "cba06b57"}, // of SHA-256
		},
		Redis: report.Redis{State: report.RedisConnected, Durable: true},
		Knock: report.Knock{State: report.KnockIdle},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	w.accepted("shop", "u1") // and held: there is no key
	shop.Credentials.APIKey = "sk_wrong"
	w.apply(shop)
	w.reports("refused key", func(r report.Report) bool { return r.Knock.State == report.KnockUnauthorized && r.Knock.Problem != "" })
	shop.Credentials.APIKey = knocktest.APIKey
	w.apply(shop)
	w.finished(1)
	w.reports("taken key", func(r report.Report) bool { return r.Knock.State == report.KnockReachable && r.Configuration.APIKey })

	w.redis.Kill()
	w.reports("lost Redis", func(r report.Report) bool { return r.Redis.State == report.RedisUnavailable && r.Redis.Problem != "" })
	if status := get(t, w.admin+"/readyz"); status != http.StatusOK {
		t.Errorf("without Redis /readyz is %d; want 200, for 429 is the right answer to senders", status)
	}
	w.redis.Start()
	w.reports("found Redis", func(r report.Report) bool {
		return r.Redis == report.Redis{State: report.RedisConnected, Durable: true}
	})
}

func TestARedisThatMayLoseEventsIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting []string
		problem string // part of it; "" for none
	}{
		"one as it should be":      {nil, ""},
		"no append-only file":      {[]string{"--appendonly", "no"}, "set appendonly yes"},
		"synced every second":      {[]string{"--appendfsync", "everysec"}, "set appendfsync always instead of everysec"},
		"evicting":                 {[]string{"--maxmemory-policy", "allkeys-lru"}, "set maxmemory-policy noeviction instead of"},
		"a setting that is secret": {[]string{"--rename-command", "CONFIG", ""}, "allow CONFIG GET, and set appendfsync always"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(w *world) { w.redis = redistest.Start(t, test.setting...) })
			got := w.reports("Redis", func(r report.Report) bool { return r.Redis.State == report.RedisConnected }).Redis
			if got.Durable != (test.problem == "") || !strings.Contains(got.Problem, test.problem) || got.Durable != (got.Problem == "") {
				t.Errorf("%+v; want the problem %q", got, test.problem)
			}
		})
	}
}

// TestAUserWithDoorbellsAccessIsEnough runs events to every end as a user who may do no more, and looks for what was denied.
func TestAUserWithDoorbellsAccessIsEnough(t *testing.T) {
	t.Parallel()
	acl := filepath.Join(t.TempDir(), "users.acl")
	rules := "user default off\nuser admin on >admin ~* &* +@all\nuser doorbell on >secret " + keyspace.Access + "\n"
	if err := os.WriteFile(acl, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	w := start(t, func(w *world) {
		w.redis, w.user, w.password = redistest.Start(t, "--aclfile", acl), "doorbell", "secret"
	})
	answers := map[string]int{"u1": 500, "u2": 422}
	w.knock.Respond(func(call knocktest.Call) *knocktest.Answer {
		for user, status := range answers {
			if strings.Contains(string(call.Body), user) {
				delete(answers, user)
				return &knocktest.Answer{Status: status}
			}
		}
		return nil
	})
	shop := w.source("shop", "order")
	w.apply(shop)
	for _, user := range []string{"u1", "u2", "u3"} {
		w.accepted("shop", user)
	}
	w.accepted("shop", "u3") // again
	w.finished(4)            // with the copy
	w.reports("durability", func(r report.Report) bool { return r.Redis.Durable })

	client, err := w.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	box, err := inbox.Open(t.Context(), client, "production/shop", inbox.Options{Owner: "another"}) // which takes over
	if err != nil {
		t.Error(err)
	}
	log := eventlog.Open(client, box.Space(), eventlog.Limits{})
	entries, err := log.List(t.Context(), eventlog.Query{Limit: 10})
	if err != nil || len(entries) != 4 {
		t.Errorf("%d entries in the event log, %v; want 4", len(entries), err)
	}
	w.user, w.password = "admin", "admin"
	admin, err := w.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	denied, err := admin.Do(t.Context(), admin.B().Arbitrary("ACL", "LOG").Build()).ToArray()
	if err != nil || len(denied) != 0 {
		t.Errorf("denied: %v, %v", denied, err)
	}
}

// reports waits until the report is as it should be.
func (w *world) reports(what string, holds func(report.Report) bool) report.Report {
	w.t.Helper()
	late := time.After(patience)
	for {
		var got report.Report
		if err := json.Unmarshal(fetch(w.t, w.admin+"/status"), &got); err != nil {
			w.t.Fatal(err)
		}
		if holds(got) {
			return got
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			w.t.Fatalf("no report of %s: %+v", what, got)
		}
	}
}
