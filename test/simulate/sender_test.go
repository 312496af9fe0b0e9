// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// How RudderStack sends.
const (
	sendTimeout   = 10 * time.Second
	firstBackoff  = 10 * time.Second
	maxBackoff    = 5 * time.Minute
	retryWindow   = 3 * time.Hour // for server errors; 429 is retried for thirty days
	minRetries    = 3
	resendsAtOnce = 0.1 // after a restart, RudderStack sends the latest events again
)

// attempt is one request of a sender, with its response.
type attempt struct {
	events  []*sent
	process string
	excused bool // the process was dead, asleep or stopping
	at      time.Time
	took    time.Duration
	status  int // 0: no response
	answer  string
}

// sender sends the events of one user in order, as RudderStack does: it begins a request after the previous one has
// ended.
type sender struct {
	world  *world
	user   string
	events []*sent
}

func newSender(w *world, user string) *sender {
	r := w.dice.named("events", user)
	s := &sender{world: w, user: user}
	for n := range 3 + r.IntN(8) {
		e := &sent{eventName: eventName{user, n + 1}, kind: pick(r, identifyEvent, orderEvent, cartEvent, cartEvent, pageEvent)}
		if w.plan.bulk {
			e.kind = pick(w.dice.named("bulk events", user, n), identifyEvent, identifyEvent, identifyEvent, orderEvent)
		}
		e.doomed = len(e.kind.actions) > 0 && chance(r, w.plan.doomed)
		s.events = append(s.events, e)
	}
	return s
}

func (s *sender) run() {
	begins, pause := 20*time.Second, 25*time.Second
	if s.world.plan.bulk {
		begins, pause = 5*time.Second, 3*time.Second
	}
	time.Sleep(between(s.world.dice.named("begins", s.user), time.Second, begins))
	for rest := s.events; len(rest) > 0; {
		r := s.world.dice.named("request", rest[0])
		batch := rest[:min(len(rest), pick(r, 1, 1, 1, 1, 2, 3))]
		rest = rest[len(batch):]
		s.deliver(batch)
		if chance(r, resendsAtOnce) && !anyDoomed(batch) { // a dead letter may be sent again, and is a new event then
			s.deliver(batch)
		}
		time.Sleep(pick(r, 0, between(r, 0, time.Second), between(r, 0, pause)))
	}
}

func anyDoomed(batch []*sent) bool {
	for _, e := range batch {
		if e.doomed {
			return true
		}
	}
	return false
}

// deliver repeats a request until it succeeds, or until RudderStack would stop retrying it.
func (s *sender) deliver(batch []*sent) {
	began := time.Now()
	for n := 1; ; n++ {
		status := s.attempt(batch, n)
		switch {
		case status == http.StatusOK:
			for _, e := range batch {
				e.acked = true
			}
			return
		case status == http.StatusTooManyRequests:
		case status != 0 && status < http.StatusInternalServerError:
			return
		case time.Since(began) > retryWindow && n >= minRetries:
			return
		}
		time.Sleep(min(firstBackoff<<min(n-1, 10), maxBackoff))
	}
}

// attempt sends one request and records the response.
func (s *sender) attempt(batch []*sent, n int) int {
	r := s.world.dice.named("attempt", batch[0], n)
	time.Sleep(between(r, 0, 5*time.Millisecond))
	p := s.world.slots[r.IntN(len(s.world.slots))].running()
	a := &attempt{events: batch, at: time.Now()}
	if p == nil {
		a.excused, a.answer = true, "connection refused"
	} else {
		a.process = p.name
		a.status, a.answer = s.post(p, body(batch))
		a.excused = p.excusedSince(a.at)
	}
	a.took = time.Since(a.at)
	s.world.record(a)
	return a.status
}

func body(batch []*sent) string {
	if len(batch) == 1 {
		return batch[0].json()
	}
	elements := make([]string, len(batch))
	for i, e := range batch {
		elements[i] = e.json()
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func (s *sender) post(p *process, body string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return p.listener.dial(ctx) },
	}
	url := fmt.Sprintf("http://doorbell/%s/%s/%s", namespace, sourceName, urlToken)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	var front http.RoundTripper = transport
	if wrap := s.world.broken.front; wrap != nil {
		front = wrap(s.world, front)
	}
	response, err := front.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}
