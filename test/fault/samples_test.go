// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// samples is the directory of the manifests and events that the README uses.
const samples = "../../config/samples"

func TestTheSampleManifestsMakeTheExpectedCalls(t *testing.T) {
	t.Parallel()
	const users, workflows = "PUT /v1/users/", "POST /v1/workflows/"
	want := map[string][]string{
		"identify": {users + "user_318"},
		"group":    {"PUT /v1/tenants/lumen", "POST /v1/objects/$tenants/lumen/subscriptions"},
		"order-completed": {
			workflows + "cart-reminder/cancel", workflows + "big-order/trigger", workflows + "order-completed/trigger",
		},
		"product-added": {workflows + "cart-reminder/trigger"},
		"signed-up":     {workflows + "welcome/trigger"},
		"alias":         nil, "page": nil, "screen": nil, "track-anonymous": nil,
	}
	files, err := filepath.Glob(samples + "/events/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("found %v, %v; want %d samples", files, err, len(want))
	}
	p, knock := startSamples(t)
	rudder := newSender(t)
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rudder.expectAccepted(t, p.url, string(body), 1, 0)
		ended := p.awaitEvents(i + 1)[i]
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if diff := cmp.Diff(want[name], requestsOf(ended)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
	checkNothingRejected(t, knock.Calls())
}

// requestsOf returns the calls that a finished event reports.
func requestsOf(l line) []string {
	var calls []string
	for _, action := range l.Actions {
		for _, request := range action.Requests {
			path, _ := url.PathUnescape(request.Path)
			calls = append(calls, request.Method+" "+path)
		}
	}
	return calls
}

// startSamples runs the sample manifests as the README does, with the API key in the environment.
func startSamples(t *testing.T) (*process, *knocktest.Server) {
	t.Helper()
	knock := knocktest.New(t)
	p := launch(t, t.TempDir(), []string{"KNOCK_API_KEY=" + knocktest.APIKey}, "dev", "-o", "json", "-f", samples,
		"--listen", "127.0.0.1:0", "--knock-url", knock.URL)
	p.ready()
	return p, knock
}

// The environment variable DOORBELL_RUDDER_PAYLOADS names a file of events that RudderStack sent, one event in each
// line.
func TestRealEventsMakeTheExpectedCalls(t *testing.T) {
	t.Parallel()
	file := os.Getenv("DOORBELL_RUDDER_PAYLOADS")
	if file == "" {
		t.Skip("DOORBELL_RUDDER_PAYLOADS is not set")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, knock := startSamples(t)
	rudder := newSender(t)
	bodies := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var all []string
	for i, body := range bodies {
		rudder.expectAccepted(t, p.url, string(body), 1, 0)
		ended := p.awaitEvents(i + 1)[i]
		want := expectedRequests(t, body)
		if diff := cmp.Diff(want, requestsOf(ended)); diff != "" {
			t.Errorf("line %d: calls (-want +got):\n%s", i+1, diff)
		}
		if status := outcome(want); string(ended.Status) != status {
			t.Errorf("line %d: %s (%s); want %s", i+1, ended.Status, ended.Reason, status)
		}
		all = append(all, want...)
	}
	checkNothingRejected(t, knock.Calls())
	var arrived []string
	for _, call := range knock.Calls() {
		path, _ := url.PathUnescape(call.Path)
		arrived = append(arrived, call.Method+" "+path)
	}
	if diff := cmp.Diff(all, arrived); diff != "" {
		t.Errorf("calls that arrived (-want +got):\n%s", diff)
	}
	t.Logf("%d bodies, %d calls", len(bodies), len(arrived))
}

// expectedRequests returns the calls that the sample manifests make for a body, computed independently of Doorbell.
func expectedRequests(t *testing.T, body []byte) []string {
	t.Helper()
	var event struct {
		Type, Event, UserID, GroupID string
		Properties                   map[string]any
	}
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	var calls []string
	add := func(call string, made bool) {
		if made {
			calls = append(calls, call)
		}
	}
	name := event.Type + "/" + event.Event
	add("PUT /v1/users/"+event.UserID, event.Type == "identify" && event.UserID != "")
	add("PUT /v1/tenants/"+event.GroupID, event.Type == "group")
	add("POST /v1/objects/$tenants/"+event.GroupID+"/subscriptions", event.Type == "group" && event.UserID != "")
	if total, cart := event.Properties["total"], event.Properties["cart_id"]; name == "track/Order Completed" && event.UserID != "" {
		amount, _ := total.(float64)
		add("POST /v1/workflows/cart-reminder/cancel", cart != nil)
		add("POST /v1/workflows/big-order/trigger", amount > 100)
		add("POST /v1/workflows/order-completed/trigger", true)
	}
	add("POST /v1/workflows/cart-reminder/trigger", name == "track/Product Added" && event.UserID != "")
	add("POST /v1/workflows/welcome/trigger", name == "track/Signed Up" && event.UserID != "")
	return slices.Clip(calls)
}

// outcome returns the status of an event that makes these calls.
func outcome(calls []string) string {
	if len(calls) == 0 {
		return "skipped"
	}
	return "succeeded"
}
