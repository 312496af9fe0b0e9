// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/test/checker"
)

// sendTimeout is how long a sender waits for a response, as RudderStack does.
const sendTimeout = 10 * time.Second

// sender sends the events of one user in order: it begins a request after the previous one has succeeded.
type sender struct {
	world  *world
	user   string
	events []*checker.Event // only the goroutine of run changes it
}

// newEvent returns the n-th event of a user. The seed decides what it is.
func (w *world) newEvent(name checker.EventName) *checker.Event {
	r := w.dice.Named("event", name)
	e := &checker.Event{EventName: name, Kind: checker.Pick(r, checker.Identify, checker.Order, checker.Cart, checker.Cart, checker.Page)}
	e.Doomed = len(e.Kind.Actions) > 0 && checker.Chance(r, w.plan.doomed)
	return e
}

func (s *sender) run() {
	client := &http.Client{Timeout: sendTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		r := s.world.dice.Named("request", s.user, len(s.events))
		select {
		case <-s.world.over:
			return
		case <-time.After(checker.Between(r, 20*time.Millisecond, 250*time.Millisecond)):
		}
		var batch []*checker.Event
		for range checker.Pick(r, 1, 1, 1, 2, 3) {
			e := s.world.newEvent(checker.EventName{User: s.user, N: len(s.events) + 1})
			s.events, batch = append(s.events, e), append(batch, e)
		}
		if !s.deliver(client, batch) {
			return
		}
		doomed := slices.ContainsFunc(batch, func(e *checker.Event) bool { return e.Doomed })
		if checker.Chance(r, 0.1) && !doomed { // a dead letter may be sent again, and is a new event then
			s.deliver(client, batch)
		}
	}
}

// deliver repeats a request until it succeeds. It reports false if it gives up, after a response that makes RudderStack
// give up, or after patience.
func (s *sender) deliver(client *http.Client, batch []*checker.Event) bool {
	began := time.Now()
	for n := 0; time.Since(began) < patience; n++ {
		switch status := s.attempt(client, batch, n); status {
		case http.StatusOK:
			for _, e := range batch {
				e.Acked = true
			}
			return true
		case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable:
			time.Sleep(checker.Between(s.world.dice.Named("backoff", batch[0], n), 100*time.Millisecond, 400*time.Millisecond))
		default:
			return false
		}
	}
	s.world.t.Errorf("%s was not accepted within %v", batch[0], patience)
	return false
}

// attempt sends one request and records the response.
func (s *sender) attempt(client *http.Client, batch []*checker.Event, n int) int {
	r := s.world.dice.Named("attempt", batch[0], n)
	slot := checker.Pick(r, s.world.slots...)
	a := &checker.Attempt{Events: batch, Process: slot.name, At: time.Now()}
	a.Status, a.Answer = post(client, slot.url(), checker.Body(batch))
	a.Took = time.Since(a.At)
	a.Excused = slot.excusedSince(a.At)
	s.world.history.add("sender  %v by %s: %d %s after %v", batch[0], slot.name, a.Status, a.Answer, a.Took.Round(time.Millisecond))
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.attempts = append(s.world.attempts, a)
	return a.Status
}

func post(client *http.Client, url, body string) (int, string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}
