// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// welcome returns a mapping that triggers the workflow when a user signs up.
func welcome(workflow string) string {
	return `apiVersion: doorbell.dev/v1alpha1
kind: ActionMapping
metadata: {name: welcome, namespace: test}
spec:
  sourceRef: {name: shop}
  event: track/signed_up
  triggerWorkflow:
    workflow: ` + workflow + `
    recipients: body.userId
`
}

func TestManifestsCanChangeWhileEventsArrive(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	s.write("welcome.yaml", welcome("first"))
	p := s.start()
	stop := keepPosting(t, rudder, p.url)

	s.awaitCalls("run of the first workflow", ranWorkflow("first"))
	s.write("welcome.yaml", welcome("second"))
	s.awaitCalls("run of the second workflow", ranWorkflow("second"))

	s.write("welcome.yaml", welcome("third")+"    reciepients: body.userId\n")
	place := regexp.MustCompile(`(?m)^\S*welcome\.yaml:10: spec\.triggerWorkflow\.reciepients: `)
	p.await(p.stderr, "problem with file and line", func([]line) bool { return place.MatchString(p.stderr.text()) })
	rudder.expectAccepted(t, p.url, signedUp("after-the-mistake"), 1, 0)
	awaitEvent(p, "after-the-mistake", eventlog.Succeeded)

	s.write("source.yaml", "kind: [\n")
	broken := regexp.MustCompile(`(?m)^\S*source\.yaml:\d+: `)
	p.await(p.stderr, "problem with the source", func([]line) bool { return broken.MatchString(p.stderr.text()) })
	rudder.expectAccepted(t, p.url, signedUp("after-the-second-mistake"), 1, 0)
	awaitEvent(p, "after-the-second-mistake", eventlog.Succeeded)

	s.remove("welcome.yaml")
	p.await(p.stdout, "event without mapping", func(lines []line) bool {
		return slices.ContainsFunc(lines, func(l line) bool { return l.Status == eventlog.Skipped })
	})
	posted := stop()

	if diff := cmp.Diff(map[int]int{http.StatusOK: posted + 2}, rudder.answers()); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	workflows := runWorkflows(s.knock.Calls())
	// While the configuration changes, events of different users can run the old and the new workflow in any order.
	slices.Sort(workflows)
	workflows = slices.Compact(workflows)
	if diff := cmp.Diff([]string{"first", "second"}, workflows); diff != "" {
		t.Errorf("workflows (-want +got):\n%s", diff)
	}
	p.awaitEvents(posted + 2)
	t.Logf("%d events posted; the slowest answer took %v", posted, rudder.slowest)
}

// keepPosting posts sign-ups until stop is called. stop returns their number.
func keepPosting(t *testing.T, s *sender, url string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	var poster sync.WaitGroup
	posted := 0
	poster.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.post(context.WithoutCancel(ctx), url, signedUp(fmt.Sprintf("u_%d", posted)))
				posted++
			}
		}
	})
	stop = func() int {
		cancel()
		poster.Wait()
		return posted
	}
	t.Cleanup(func() { stop() })
	return stop
}

// ranWorkflow returns a condition for awaitCalls: Knock has run the workflow.
func ranWorkflow(name string) func([]knocktest.Call) bool {
	return func(calls []knocktest.Call) bool { return slices.Contains(runWorkflows(calls), name) }
}

// awaitEvent waits until the first event of a user is finished, and fails the test unless it has the wanted status.
func awaitEvent(p *process, user string, want eventlog.Status) {
	p.t.Helper()
	var got eventlog.Status
	p.await(p.stdout, "event of "+user, func(lines []line) bool {
		i := slices.IndexFunc(lines, func(l line) bool { return l.OrderingKey == user })
		if i >= 0 {
			got = lines[i].Status
		}
		return i >= 0
	})
	if got != want {
		p.t.Errorf("the event of %s is %s; want %s", user, got, want)
	}
}
