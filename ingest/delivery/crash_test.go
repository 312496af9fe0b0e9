// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestACrashAfterTheTriggerDoesNotRepeatTheCancellationBeforeIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Program = compile(t, `[
		{"name":"cancel","event":"order","action":"cancelWorkflow","parameters":{"workflow":"order","cancellationKey":"body.user"}},
		{"name":"order","event":"order","action":"triggerWorkflow",
			"parameters":{"workflow":"order","recipients":"body.user","cancellationKey":"body.user"}}
	]`)
	const path = "/v1/workflows/order/trigger"
	f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		if c.Path == path {
			return &knocktest.Answer{After: true, Hold: t.Context().Done()}
		}
		return nil
	})
	died := f.start(func(c *delivery.Config) { c.Inbox = f.openInbox(named) })
	died.send("order u 1")
	f.awaitCalls(arrived(path))

	f.knock.Respond(nil)
	next := f.start(func(c *delivery.Config) { c.Inbox = f.openInbox(named) })
	if final, _ := next.finished(1); final[0].Status != eventlog.Succeeded {
		t.Errorf("got %v", summary(final[0]))
	}
	if runs := f.knock.State().Runs; len(runs) != 1 || runs[0].Canceled {
		t.Errorf("the workflow runs are %+v; want one that is not canceled", runs)
	}
}

func TestAPlanThatCannotBeReadDoesNotBlockItsLane(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stored string
		want   eventlog.Status
	}{
		"nothing was sent":        {`{"version":1000,"sent":false,"actions":"of a later version"}`, eventlog.Succeeded},
		"a replay":                {`{"version":1,"sent":false,"actions":[{"mapping":"identify","action":"identifyUser","status":"succeeded"}]}`, eventlog.Succeeded},
		"something may have been": {`{"version":1000,"sent":true,"actions":"of a later version"}`, eventlog.DeadLettered},
		"it is not even JSON":     {"\x00", eventlog.DeadLettered},
		"an action is missing":    {`{"actions":[null]}`, eventlog.DeadLettered},
		"its endpoint is not known": {`{"actions":[{"mapping":"m","action":"new","status":"received","calls":[
			{"request":{"endpoint":"inventedLater","method":"PUT","path":"/v1/users/u","body":{}}}]}]}`, eventlog.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			box := f.openInbox()
			first := &process{t: t, box: box, program: f.settings.Program}
			first.send("order u 1", "order u 2")
			claimed, err := box.Claim(t.Context(), 0, 1, 0)
			if err != nil || len(claimed.Leases) != 1 {
				t.Fatalf("claimed %d lanes, %v", len(claimed.Leases), err)
			}
			if err := box.Retry(t.Context(), claimed.Leases[0], 0, []byte(tc.stored), nil); err != nil {
				t.Fatal(err)
			}
			p := f.start()
			final, _ := p.finished(2)
			if final[0].Status != tc.want || final[1].Status != eventlog.Succeeded {
				t.Errorf("got %v, then %v; want %s, then %s", summary(final[0]), summary(final[1]), tc.want, eventlog.Succeeded)
			}
			if tc.want == eventlog.DeadLettered && !strings.Contains(final[0].Reason, "plan") && !strings.Contains(final[0].Reason, "internal error") {
				t.Errorf("the reason is %q", final[0].Reason)
			}
		})
	}
}
