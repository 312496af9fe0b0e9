// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// summary returns an entry in a few lines: the event's status and reason, then for each action its mapping, status,
// attempts and reason.
func summary(e eventlog.Entry) []string {
	lines := []string{fmt.Sprintf("%s: %s", e.Status, e.Reason)}
	for _, a := range e.Actions {
		lines = append(lines, fmt.Sprintf("%s %s %d: %s", a.Mapping, a.Status, a.Attempts, a.Reason))
	}
	return lines
}

const (
	putUser    = "PUT /v1/users/u "
	putObject  = "PUT /v1/objects/things/u "
	trigger    = "POST /v1/workflows/order/trigger "
	deleteUser = "DELETE /v1/users/u "
)

func TestOutcomesOfAnEvent(t *testing.T) {
	t.Parallel()
	const code500 = "knock: identifyUser: HTTP 500 code_500: as the test wants"
	for name, tc := range map[string]struct {
		event    string
		endpoint knock.Endpoint
		answers  []int
		options  []knocktest.Option
		noRetry  bool
		calls    []string
		summary  []string
	}{
		"actions run in the order that Knock needs, not in the order of the mappings": {
			event: "all u 1", calls: []string{putUser + "200", putObject + "200", trigger + "200"},
			summary: []string{"succeeded: ", "all-identify succeeded 1: ", "all-object succeeded 1: ", "all-order succeeded 1: "},
		},
		"an event without a mapping is skipped": {
			event: "nothing u 1", summary: []string{`skipped: no mapping for "nothing"`},
		},
		"an event whose only action has no id is skipped": {
			event: `{"type":"identify","id":"1"}`,
			summary: []string{
				"skipped: identify: id: body.user is not in the event; body has no user, only type, id",
				"identify skipped 0: id: body.user is not in the event; body has no user, only type, id",
			},
		},
		"a permanent failure does not stop the later actions": {
			event: "all u 1", endpoint: knock.SetObject, answers: []int{422},
			calls: []string{putUser + "200", putObject + "422", trigger + "200"},
			summary: []string{
				"dead-lettered: all-object: knock: setObject: HTTP 422 code_422: as the test wants; send fewer or smaller values: " +
					"Knock accepts 256 kB of properties for a user, object or tenant and 10 MB of trigger data",
				"all-identify succeeded 1: ",
				"all-object dead-lettered 1: knock: setObject: HTTP 422 code_422: as the test wants; send fewer or smaller values: " +
					"Knock accepts 256 kB of properties for a user, object or tenant and 10 MB of trigger data",
				"all-order succeeded 1: ",
			},
		},
		"the reason has Knock's code and message and a hint": {
			event: "order u 1", options: []knocktest.Option{knocktest.WithWorkflows("other")},
			calls: []string{trigger + "404"},
			summary: []string{
				"dead-lettered: order: knock: triggerWorkflow: HTTP 404 workflow_missing: the workflow was not found; " +
					"commit the workflow in this environment, or correct the workflow key in the mapping",
				"order dead-lettered 1: knock: triggerWorkflow: HTTP 404 workflow_missing: the workflow was not found; " +
					"commit the workflow in this environment, or correct the workflow key in the mapping",
			},
		},
		"a transient failure delays the later actions and does not repeat the earlier ones": {
			event: "all u 1", endpoint: knock.SetObject, answers: []int{500, knocktest.Dropped},
			calls: []string{
				putUser + "200", putObject + "500", putObject + "-1", putObject + "200", trigger + "200",
			},
			summary: []string{"succeeded: ", "all-identify succeeded 1: ", "all-object succeeded 3: ", "all-order succeeded 1: "},
		},
		"if no time is allowed for retries, the action is dead-lettered at once and the later actions run": {
			event: "all u 1", endpoint: knock.IdentifyUser, answers: []int{500}, noRetry: true,
			calls: []string{putUser + "500", putObject + "200", trigger + "200"},
			summary: []string{
				"dead-lettered: all-identify: retries ended after 0s (spec.delivery.retryFor): " + code500,
				"all-identify dead-lettered 1: retries ended after 0s (spec.delivery.retryFor): " + code500,
				"all-object succeeded 1: ", "all-order succeeded 1: ",
			},
		},
		"a repeated delete that gets 404 has succeeded": {
			event: "delete u 1", endpoint: knock.DeleteUser, answers: []int{knocktest.Dropped, 404},
			calls:   []string{deleteUser + "-1", deleteUser + "404"},
			summary: []string{"succeeded: ", "delete succeeded 2: "},
		},
		"a first delete that gets 404 is dead-lettered": {
			event: "delete u 1", endpoint: knock.DeleteUser, answers: []int{404},
			calls: []string{deleteUser + "404"},
			summary: []string{
				"dead-lettered: delete: knock: deleteUser: HTTP 404 code_404: as the test wants; create it in this environment " +
					"first, or correct the ID or key in the mapping; if every call gets this response, check that spec.knock.baseURL has no path",
				"delete dead-lettered 1: knock: deleteUser: HTTP 404 code_404: as the test wants; create it in this environment " +
					"first, or correct the ID or key in the mapping; if every call gets this response, check that spec.knock.baseURL has no path",
			},
		},
		"an action of several calls is dead-lettered for its first permanent failure": {
			event: crowd(1500), endpoint: knock.TriggerWorkflow, answers: []int{413, 500},
			calls: []string{trigger + "413", trigger + "500", trigger + "200"},
			summary: []string{
				"dead-lettered: crowd: knock: triggerWorkflow: HTTP 413 code_413: as the test wants; send fewer or smaller values: " +
					"Knock accepts 256 kB of properties for a user, object or tenant and 10 MB of trigger data",
				"crowd dead-lettered 3: knock: triggerWorkflow: HTTP 413 code_413: as the test wants; send fewer or smaller values: " +
					"Knock accepts 256 kB of properties for a user, object or tenant and 10 MB of trigger data",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, tc.options...)
			f.answers(tc.endpoint, tc.answers...)
			if tc.noRetry {
				f.settings.Delivery.RetryFor = 0
			}
			p := f.start()
			p.send(tc.event)
			final, _ := p.finished(1)
			if diff := cmp.Diff(tc.calls, f.calls()); diff != "" {
				t.Errorf("calls (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.summary, summary(final[0])); diff != "" {
				t.Errorf("log (-want +got)\n%s", diff)
			}
		})
	}
}

// crowd returns an event that names this many users.
func crowd(users int) string {
	list := make([]string, users)
	for i := range list {
		list[i] = fmt.Sprintf(`"u%d"`, i)
	}
	return `{"type":"crowd","user":"u","id":"1","users":[` + strings.Join(list, ",") + `]}`
}

func TestARetrySendsTheSameBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(knock.TriggerWorkflow, 503, 429, knocktest.Dropped)
	p := f.start()
	p.send("order u 1")
	final, retrying := p.finished(1)
	if final[0].Status != eventlog.Succeeded || retrying != 3 || final[0].Actions[0].Attempts != 4 {
		t.Errorf("%s after %d retries: %v", final[0].Status, retrying, summary(final[0]))
	}
	type sent struct{ Path, Body, Key string }
	var got []sent
	for _, c := range f.knock.Calls() {
		got = append(got, sent{c.Path, c.Body, c.Header["idempotency-key"]})
	}
	for _, retry := range got[1:] {
		if diff := cmp.Diff(got[0], retry); diff != "" || retry.Key == "" {
			t.Errorf("the retry differs (-first +retry)\n%s", diff)
		}
	}
	if runs := f.knock.State().Runs; len(runs) != 1 {
		t.Errorf("the workflow ran %d times", len(runs))
	}
}

func TestAnEventIsDeadLetteredWhenRetryForIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Delivery.RetryFor = 1500 * time.Millisecond
	f.answers(knock.IdentifyUser, make500(100)...)
	p := f.start()
	start := time.Now()
	p.send("all u 1")
	final, retrying := p.finished(1)
	if took := time.Since(start); took > 5*time.Second || retrying == 0 {
		t.Errorf("dead-lettered after %v and %d retries", took, retrying)
	}
	want := "all-identify: retries ended after 1.5s (spec.delivery.retryFor): knock: identifyUser: HTTP 500 code_500: as the test wants"
	if e := final[0]; e.Status != eventlog.DeadLettered || e.Reason != want || e.Actions[2].Status != eventlog.Succeeded {
		t.Errorf("got %v", summary(e))
	}
}

// make500 returns n times the status 500.
func make500(n int) []int {
	statuses := make([]int, n)
	for i := range statuses {
		statuses[i] = 500
	}
	return statuses
}

func TestAKeyCanBeSentAgainAfterItsEventIsDeadLettered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(knock.TriggerWorkflow, 422)
	p := f.start()
	for _, want := range []eventlog.Status{eventlog.DeadLettered, eventlog.Succeeded} {
		p.send("order u 1")
		if final, _ := p.finished(1); final[0].Status != want {
			t.Errorf("got %v, want %s", summary(final[0]), want)
		}
	}
}
