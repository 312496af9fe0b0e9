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

func TestAPodRunsWhatItsFolderSays(t *testing.T) {
	t.Parallel()
	m, rudder := newMount(t, redistest.Start(t)), newSender(t)
	m.remove("tokens/current")
	m.remove("knock/apiKey")
	p := m.start()
	answered := func(step, token string, n, want int) {
		t.Helper()
		if status, text := rudder.post(t.Context(), p.at(token), completed("u_1", n)); status != want {
			t.Fatalf("%s: answered %d %s; want %d", step, status, text, want)
		}
	}
	p.reports("wait for a token", problem("waiting for a token"))
	answered("without a token", "first-token", 0, http.StatusServiceUnavailable)
	if p.ready() {
		t.Error("it is ready without a token")
	}

	m.write("tokens/current", "first-token\n")
	p.runs(m.pack("order"))
	answered("without a key", "first-token", 1, http.StatusOK)
	if !p.ready() || len(m.knock.Calls()) > 0 {
		t.Errorf("without a key it is ready: %v, and made the calls %v; want it to hold them", p.ready(), m.knock.Calls())
	}
	m.write("knock/apiKey", knocktest.APIKey+"\n")
	m.awaitWorkflows("order")

	fresh := m.bundle("order-again")
	m.write("document/part-0", string(fresh.Parts[0]))
	p.reports("half of a version", problem("incomplete version"))
	answered("with half of a version", "first-token", 2, http.StatusOK)
	m.awaitWorkflows("order", "order")
	m.write("document/manifest.json", string(fresh.Manifest))
	p.runs(fresh.Version)
	answered("with the other half", "first-token", 3, http.StatusOK)
	m.awaitWorkflows("order", "order", "order-again")

	m.write("document/manifest.json", "{")
	p.reports("a broken manifest", problem("manifest: "))
	answered("with a broken manifest", "first-token", 4, http.StatusOK)
	m.awaitWorkflows("order", "order", "order-again", "order-again")

	p.end(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d; stderr:\n%s", code, p.stderr.text())
	}
}

func TestAPodTakesBothTokensWhileOneIsRotatedOut(t *testing.T) {
	t.Parallel()
	m, rudder := newMount(t, redistest.Start(t)), newSender(t)
	p := m.start()
	p.runs(m.pack("order"))
	m.write("tokens/previous", "first-token")
	m.write("tokens/previousUntil", time.Now().Add(5*time.Second).UTC().Format(time.RFC3339))
	m.write("tokens/current", "second-token")
	p.reports("both tokens", tokens("second-token", "first-token"))
	for i, token := range []string{"first-token", "second-token"} {
		rudder.taken(t, p.at(token), completed("u_1", i), 1, 0)
	}
	p.reports("the end of the first", tokens("second-token"))
	if status, _ := rudder.post(t.Context(), p.at("first-token"), completed("u_1", 2)); status != http.StatusNotFound {
		t.Errorf("with the token that has ended: %d; want 404", status)
	}
	rudder.taken(t, p.at("second-token"), completed("u_1", 2), 1, 0)
}

// TestAPodThatIsStartedAgainGoesOnAtOnce kills a process with a call under way. Without its name the next would wait for half a minute
// until the claim runs out.
func TestAPodThatIsStartedAgainGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	m, rudder := newMount(t, redistest.Start(t)), newSender(t)
	m.flags = []string{"--owner", "shop-ingest-0"}
	m.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: make(chan struct{})} })
	p := m.start()
	rudder.awaitTaken(t, p.at("first-token"), completed("u_1", 1))
	eventually(t, "call under way", func() bool { return len(m.knock.Calls()) == 1 })
	p.kill()
	m.knock.Respond(nil)

	started := time.Now()
	m.start()
	m.awaitWorkflows("order")
	within(t, "to go on", started, 15*time.Second)
}

// TestARolloutLosesNoRequest has senders that keep their connections post through the stop of one process, while another
// takes over. As in a cluster, new connections go to the one that is ready.
func TestARolloutLosesNoRequest(t *testing.T) {
	t.Parallel()
	m, rudder := newMount(t, redistest.Start(t)), newSender(t)
	m.flags = []string{"--drain", "2s"}
	version := m.pack("order")
	first := m.start()
	first.runs(version)
	route := &route{to: first}
	rudder.client.Transport.(*http.Transport).DialContext = route.dial
	stop := postOrders(t, rudder, "http://service/test/shop/first-token")
	rudder.awaitAnswers(t, http.StatusOK, 50)

	second := m.start()
	second.runs(version)
	first.end(syscall.SIGTERM)
	eventually(t, "end of being ready", func() bool { return !first.ready() })
	route.turn(second)
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

// route is the service in front of pods.
type route struct {
	mu sync.Mutex
	to *pod
}

func (r *route) turn(to *pod) {
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

// postOrders posts from four senders until stop, which returns how many orders there were.
func postOrders(t *testing.T, rudder *sender, url string) (stop func() int) {
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

// completed is user's n-th order.
func completed(user string, n int) string {
	return fmt.Sprintf(`{"event":"order","userId":%q,"messageId":"%[1]s-%[2]d","n":%[2]d}`, user, n)
}

// awaitWorkflows waits until as many were triggered, and compares them.
func (m *mount) awaitWorkflows(want ...string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	_ = m.knock.Wait(ctx, func(calls []knocktest.Call) bool { return len(triggered(calls)) >= len(want) })
	if diff := cmp.Diff(want, triggered(m.knock.Calls())); diff != "" {
		m.t.Fatalf("workflows (-want +got)\n%s", diff)
	}
}

// awaitTaken posts until it is taken.
func (s *sender) awaitTaken(t *testing.T, url, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.deliver(ctx, url, body); err != nil {
		t.Fatal(err)
	}
}

func problem(begins string) func(report.Report) bool {
	return func(r report.Report) bool { return strings.Contains(r.Configuration.Problem, begins) }
}

func tokens(want ...string) func(report.Report) bool {
	var hashes []string
	for _, token := range want {
		sum := sha256.Sum256([]byte(token))
		hashes = append(hashes, hex.EncodeToString(sum[:])[:8])
	}
	return func(r report.Report) bool { return slices.Equal(r.Configuration.TokenHashes, hashes) }
}
