// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/report"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestAPodFollowsTheChangesOfItsConfigDirectory(t *testing.T) {
	t.Parallel()
	m, rudder := newPodFixture(t, redistest.Start(t)), newSender(t)
	m.remove("tokens/current")
	m.remove("knock/apiKey")
	p := m.start()
	answered := func(step, token string, n, want int) {
		t.Helper()
		if status, text := rudder.post(t.Context(), p.at(token), completed("u_1", n)); status != want {
			t.Fatalf("%s: answered %d %s; want %d", step, status, text, want)
		}
	}
	p.awaitReport("the missing token", problem("waiting for a token"))
	answered("without a token", "first-token", 0, http.StatusServiceUnavailable)
	if p.ready() {
		t.Error("the pod is ready without a token")
	}

	m.write("tokens/current", "first-token\n")
	p.awaitVersion(m.writeDocument("order"))
	answered("without a key", "first-token", 1, http.StatusOK)
	if !p.ready() || len(m.knock.Calls()) > 0 {
		t.Errorf("without an API key the pod is ready: %v, and made the calls %v; want a ready pod that makes no calls", p.ready(), m.knock.Calls())
	}
	m.write("knock/apiKey", knocktest.APIKey+"\n")
	m.awaitWorkflows("order")

	fresh := m.bundle("order-again")
	m.write("document/part-0", string(fresh.Parts[0]))
	p.awaitReport("an incomplete version", problem("incomplete version"))
	answered("with an incomplete version", "first-token", 2, http.StatusOK)
	m.awaitWorkflows("order", "order")
	m.write("document/manifest.json", string(fresh.Manifest))
	p.awaitVersion(fresh.Version)
	answered("with the complete version", "first-token", 3, http.StatusOK)
	m.awaitWorkflows("order", "order", "order-again")

	m.write("document/manifest.json", "{")
	p.awaitReport("a broken manifest", problem("manifest: "))
	answered("with a broken manifest", "first-token", 4, http.StatusOK)
	m.awaitWorkflows("order", "order", "order-again", "order-again")

	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d; stderr:\n%s", code, p.stderr.text())
	}
}

func TestAPodAcceptsBothTokensDuringARotation(t *testing.T) {
	t.Parallel()
	m, rudder := newPodFixture(t, redistest.Start(t)), newSender(t)
	p := m.start()
	p.awaitVersion(m.writeDocument("order"))
	m.write("tokens/previous", "first-token")
	m.write("tokens/previousUntil", time.Now().Add(5*time.Second).UTC().Format(time.RFC3339))
	m.write("tokens/current", "second-token")
	p.awaitReport("both tokens", tokens("second-token", "first-token"))
	for i, token := range []string{"first-token", "second-token"} {
		rudder.expectAccepted(t, p.at(token), completed("u_1", i), 1, 0)
	}
	p.awaitReport("the end of the first token", tokens("second-token"))
	if status, _ := rudder.post(t.Context(), p.at("first-token"), completed("u_1", 2)); status != http.StatusNotFound {
		t.Errorf("an expired token is answered %d; want 404", status)
	}
	rudder.expectAccepted(t, p.at("second-token"), completed("u_1", 2), 1, 0)
}

// The test kills the process during a call. Without the flag --owner, the next process would wait half a minute until
// the lease ends.
func TestARestartedPodContinuesAtOnce(t *testing.T) {
	t.Parallel()
	m, rudder := newPodFixture(t, redistest.Start(t)), newSender(t)
	m.flags = []string{"--owner", "shop-ingest-0"}
	m.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: make(chan struct{})} })
	p := m.start()
	rudder.awaitAccepted(t, p.at("first-token"), completed("u_1", 1))
	eventually(t, "call in progress", func() bool { return len(m.knock.Calls()) == 1 })
	p.kill()
	m.knock.Respond(nil)

	started := time.Now()
	m.start()
	m.awaitWorkflows("order")
	checkWithin(t, "the delivery after the restart", started, 15*time.Second)
}

// The senders keep their connections open while one process stops and another takes over. As in a cluster, new
// connections go to the process that is ready.
func TestARolloutLosesNoRequest(t *testing.T) {
	t.Parallel()
	m, rudder := newPodFixture(t, redistest.Start(t)), newSender(t)
	m.flags = []string{"--drain", "2s"}
	version := m.writeDocument("order")
	first := m.start()
	first.awaitVersion(version)
	route := &route{to: first}
	rudder.client.Transport.(*http.Transport).DialContext = route.dial
	stop := keepOrdering(t, rudder, "http://service/test/shop/first-token")
	rudder.awaitAnswers(t, http.StatusOK, 50)

	second := m.start()
	second.awaitVersion(version)
	first.signal(syscall.SIGTERM)
	eventually(t, "failing readiness check", func() bool { return !first.ready() })
	route.switchTo(second)
	if code := first.exitCode(); code != 0 {
		t.Errorf("exit code %d; stderr:\n%s", code, first.stderr.text())
	}
	rudder.awaitAnswers(t, http.StatusOK, rudder.answers()[http.StatusOK]+50)
	posted := stop()
	if diff := cmp.Diff(map[int]int{http.StatusOK: posted}, rudder.answers()); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
	m.awaitWorkflows(slices.Repeat([]string{"order"}, posted)...)
}

// route sends new connections to one pod at a time, as a Service does.
type route struct {
	mu sync.Mutex
	to *pod
}

func (r *route) switchTo(to *pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

func (r *route) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	r.mu.Lock()
	address := r.to.events
	r.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// keepOrdering posts orders of four users concurrently until stop is called. stop returns the number of orders.
func keepOrdering(t *testing.T, rudder *sender, url string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	var posters sync.WaitGroup
	posted := make([]int, 4)
	for i := range posted {
		posters.Go(func() {
			for ctx.Err() == nil {
				rudder.post(context.WithoutCancel(ctx), url, completed(fmt.Sprintf("u_%d", i), posted[i]))
				posted[i]++
			}
		})
	}
	t.Cleanup(cancel)
	return func() int {
		cancel()
		posters.Wait()
		total := 0
		for _, n := range posted {
			total += n
		}
		return total
	}
}

// completed returns the body of the user's n-th order for the pod's document.
func completed(user string, n int) string {
	return fmt.Sprintf(`{"event":"order","userId":%q,"messageId":"%[1]s-%[2]d","n":%[2]d}`, user, n)
}

// awaitWorkflows waits until Knock has run as many workflows as want contains, and compares the two lists.
func (m *podFixture) awaitWorkflows(want ...string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	_ = m.knock.Wait(ctx, func(calls []knocktest.Call) bool { return len(runWorkflows(calls)) >= len(want) })
	if diff := cmp.Diff(want, runWorkflows(m.knock.Calls())); diff != "" {
		m.t.Fatalf("workflows (-want +got)\n%s", diff)
	}
}

// awaitAccepted posts the body until it is accepted.
func (s *sender) awaitAccepted(t *testing.T, url, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.deliver(ctx, url, body); err != nil {
		t.Fatal(err)
	}
}

// problem returns a condition for awaitReport: the configuration has a problem that contains the text.
func problem(text string) func(report.Report) bool {
	return func(r report.Report) bool { return strings.Contains(r.Configuration.Problem, text) }
}

// tokens returns a condition for awaitReport: the pod accepts these tokens, the current one first.
func tokens(want ...string) func(report.Report) bool {
	var hashes []string
	for _, token := range want {
		sum := sha256.Sum256([]byte(token))
		hashes = append(hashes, hex.EncodeToString(sum[:])[:8])
	}
	return func(r report.Report) bool { return slices.Equal(r.Configuration.TokenHashes, hashes) }
}
