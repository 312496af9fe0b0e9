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

func TestReportFollowsConfigurationRedisAndKnock(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.awaitReport("before the configuration is loaded", func(r report.Report) bool { return r.Configuration.Source == "" })
	shop := f.source("shop", "order")
	shop.Version, shop.Credentials.APIKey = "v1", ""
	shop.Credentials.Tokens = append(shop.Credentials.Tokens, "old")
	f.apply(shop)
	got := f.awaitReport("Redis connected", func(r report.Report) bool { return r.Redis.State == report.RedisConnected })
	want := report.Report{
		Program: "test",
		Configuration: report.Configuration{
			Source: "production/shop", Version: "v1", TokenHashes: []string{"3c469e9d", "cba06b57"}, // the first bytes of the SHA-256 of "token" and of "old"
		},
		Redis: report.Redis{State: report.RedisConnected, Durable: true},
		Knock: report.Knock{State: report.KnockIdle},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	f.postUntilAccepted("shop", "u1") // accepted but not delivered, because there is no API key
	shop.Credentials.APIKey = "sk_wrong"
	f.apply(shop)
	f.awaitReport("a rejected API key", func(r report.Report) bool { return r.Knock.State == report.KnockUnauthorized && r.Knock.Problem != "" })
	shop.Credentials.APIKey = knocktest.APIKey
	f.apply(shop)
	f.finished(1)
	f.awaitReport("an accepted API key", func(r report.Report) bool { return r.Knock.State == report.KnockReachable && r.Configuration.APIKey })

	f.redis.Kill()
	f.awaitReport("Redis unavailable", func(r report.Report) bool { return r.Redis.State == report.RedisUnavailable && r.Redis.Problem != "" })
	if status, _ := f.get("/readyz"); status != http.StatusOK {
		t.Errorf("without Redis, /readyz has status %d; want 200, because senders must get 429 from this pod instead of 503 from the load balancer", status)
	}
	f.redis.Start()
	f.awaitReport("Redis available again", func(r report.Report) bool {
		return r.Redis == report.Redis{State: report.RedisConnected, Durable: true}
	})
}

func TestReportNamesTheRedisSettingThatCanLoseEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting []string
		problem string // a part of the wanted problem; "" if there is none
	}{
		"the recommended settings": {nil, ""},
		"no append-only file":      {[]string{"--appendonly", "no"}, "set appendonly yes"},
		"synced every second":      {[]string{"--appendfsync", "everysec"}, "set appendfsync always instead of everysec"},
		"evicting":                 {[]string{"--maxmemory-policy", "allkeys-lru"}, "set maxmemory-policy noeviction instead of"},
		"CONFIG GET denied":        {[]string{"--rename-command", "CONFIG", ""}, "allow CONFIG GET, and set appendfsync always"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, func(f *fixture) { f.redis = redistest.Start(t, test.setting...) })
			got := f.awaitReport("Redis connected", func(r report.Report) bool { return r.Redis.State == report.RedisConnected }).Redis
			if got.Durable != (test.problem == "") || !strings.Contains(got.Problem, test.problem) || got.Durable != (got.Problem == "") {
				t.Errorf("%+v; want the problem %q", got, test.problem)
			}
		})
	}
}

func TestReportSaysWhyRedisCannotConfirmReplicas(t *testing.T) {
	t.Parallel()
	master, _ := redistest.StartReplicated(t, 1)
	for name, test := range map[string]struct {
		redis       *redistest.Server
		minReplicas int
		problem     string // a part of the wanted problem; "" if there is none
	}{
		"enough replicas":     {master, 1, ""},
		"too few replicas":    {master, 2, "has 1 connected replicas, fewer than redis.external.minReplicas, which is 2"},
		"no append-only file": {redistest.Start(t, "--appendonly", "no"), 1, "set appendonly yes"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(f *fixture) { f.redis, f.minReplicas = test.redis, test.minReplicas })
			got := f.awaitReport("a health check", func(r report.Report) bool { return r.Redis.State != report.RedisConnecting }).Redis
			if available := got.State == report.RedisConnected; available != (test.problem == "") || !strings.Contains(got.Problem, test.problem) {
				t.Errorf("%+v; want the problem %q", got, test.problem)
			}
		})
	}
}

// TestRedisUserNeedsOnlyTheDocumentedAccess delivers events with every outcome as a Redis user with exactly
// keyspace.Access, and checks that Redis denied no command.
func TestRedisUserNeedsOnlyTheDocumentedAccess(t *testing.T) {
	t.Parallel()
	f := start(t, withRedisUser(keyspace.Access))
	failures := map[string]int{"u1": 500, "u2": 422} // each once
	f.knock.Respond(func(call knocktest.Call) *knocktest.Answer {
		for user, status := range failures {
			if strings.Contains(string(call.Body), user) {
				delete(failures, user)
				return &knocktest.Answer{Status: status}
			}
		}
		return nil
	})
	shop := f.source("shop", "order")
	f.apply(shop)
	for _, user := range []string{"u1", "u2", "u3"} {
		f.postUntilAccepted("shop", user)
	}
	f.postUntilAccepted("shop", "u3") // a duplicate
	f.finished(4)                     // including the duplicate
	f.awaitReport("durability", func(r report.Report) bool { return r.Redis.Durable })

	client, err := f.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	// Open also runs the script that ends the leases of earlier processes with the same owner.
	box, err := inbox.Open(t.Context(), client, "production/shop", inbox.Options{Owner: "another"})
	if err != nil {
		t.Error(err)
	}
	log := eventlog.Open(client, box.Space(), eventlog.Limits{})
	page, err := log.List(t.Context(), eventlog.Query{Limit: 10})
	if err != nil || len(page.Entries) != 4 {
		t.Errorf("%d entries in the event log, %v; want 4", len(page.Entries), err)
	}
	f.user, f.password = "admin", "admin"
	admin, err := f.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	denied, err := admin.Do(t.Context(), admin.B().Arbitrary("ACL", "LOG").Build()).ToArray()
	if err != nil || len(denied) != 0 {
		t.Errorf("Redis denied %v, %v", denied, err)
	}
}

// withRedisUser makes the data plane connect as the Redis user "doorbell", which has only this access.
func withRedisUser(access string) func(*fixture) {
	return func(f *fixture) {
		f.t.Helper()
		acl := filepath.Join(f.t.TempDir(), "users.acl")
		rules := "user default off\nuser admin on >admin ~* &* +@all\nuser doorbell on >secret " + access + "\n"
		if err := os.WriteFile(acl, []byte(rules), 0o600); err != nil {
			f.t.Fatal(err)
		}
		f.redis, f.user, f.password = redistest.Start(f.t, "--aclfile", acl), "doorbell", "secret"
	}
}

func TestReportNamesTheErrorThatKeepsASourceClosed(t *testing.T) {
	t.Parallel()
	f := start(t, withRedisUser("~* +ping +info +config|get")) // the inbox cannot be opened without SET
	f.apply(f.source("shop", "order"))
	got := f.awaitReport("Redis unavailable", func(r report.Report) bool { return r.Redis.State == report.RedisUnavailable }).Redis
	if !strings.Contains(got.Problem, "NOPERM") {
		t.Errorf("problem %q; want the answer of Redis", got.Problem)
	}
	if status := f.post("shop", "u1"); status != http.StatusTooManyRequests {
		t.Errorf("status %d", status)
	}
}

// awaitReport waits until the condition holds for the report, and returns that report.
func (f *fixture) awaitReport(what string, holds func(report.Report) bool) report.Report {
	f.t.Helper()
	late := time.After(patience)
	for {
		var got report.Report
		status, body := f.get("/status")
		if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK {
			f.t.Fatalf("GET /status: %d, %v", status, err)
		}
		if holds(got) {
			return got
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			f.t.Fatalf("no report with: %s; the latest is %+v", what, got)
		}
	}
}
