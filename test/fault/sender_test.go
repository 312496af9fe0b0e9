// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"
)

// sender posts events as RudderStack does.
type sender struct {
	client *http.Client
	header http.Header // of each request, in addition to the content type

	mu       sync.Mutex
	statuses map[int]int // number of responses by status; 0 counts requests without a response
	slowest  time.Duration
	changed  chan struct{}
}

func newSender(t *testing.T) *sender {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &sender{
		client:   &http.Client{Transport: transport, Timeout: 10 * time.Second}, // the timeout of RudderStack
		statuses: map[int]int{}, changed: make(chan struct{}),
	}
}

// post sends one request and returns the status, 0 if there was no answer, and the body.
func (s *sender) post(ctx context.Context, url, body string) (int, string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, err.Error()
	}
	maps.Copy(request.Header, s.header)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	status, text := 0, ""
	if response, err := s.client.Do(request); err != nil {
		text = err.Error()
	} else {
		defer response.Body.Close()
		read, _ := io.ReadAll(response.Body) // the status is what matters
		status, text = response.StatusCode, string(read)
	}
	s.count(status, time.Since(began))
	return status, text
}

func (s *sender) count(status int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses[status]++
	if status != 0 {
		s.slowest = max(s.slowest, took)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// answers returns the number of answers by status.
func (s *sender) answers() map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.statuses)
}

// awaitAnswers waits until there are this many answers with a status.
func (s *sender) awaitAnswers(t *testing.T, status, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		s.mu.Lock()
		seen, changed := s.statuses[status], s.changed
		s.mu.Unlock()
		if seen >= count {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("too few answers with the status %d: %v", status, s.answers())
		}
	}
}

// deliver posts the body until it is accepted. It returns an error for a status after which RudderStack would not
// retry.
func (s *sender) deliver(ctx context.Context, url, body string) error {
	for {
		status, text := s.post(ctx, url, body)
		switch status {
		case http.StatusOK:
			return nil
		case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		default:
			return fmt.Errorf("answered %d: %s", status, text)
		}
		select {
		case <-time.After(20 * time.Millisecond): // the sender's backoff
		case <-ctx.Done():
			return fmt.Errorf("not accepted in time; the last answer was %d: %s", status, text)
		}
	}
}

// expectAccepted posts the body and fails the test unless the answer is 200 with these counts.
func (s *sender) expectAccepted(t *testing.T, url, body string, accepted, duplicates int) {
	t.Helper()
	status, text := s.post(t.Context(), url, body)
	want := fmt.Sprintf("{\"accepted\":%d,\"duplicates\":%d}\n", accepted, duplicates)
	if status != http.StatusOK || text != want {
		t.Fatalf("answered %d %s; want 200 %s", status, text, want)
	}
}

func identify(user string) string {
	return fmt.Sprintf(`{"type":"identify","userId":%q,"messageId":"identify-%s","traits":{"email":"%s@example.com"}}`, user, user, user)
}

// order returns the body of the user's n-th order.
func order(user string, n int) string {
	return fmt.Sprintf(`{"type":"track","event":"Order Completed","userId":%q,"messageId":"%s-%d","properties":{"n":%d}}`, user, user, n, n)
}

func signedUp(user string) string {
	return fmt.Sprintf(`{"type":"track","event":"Signed Up","userId":%q,"messageId":"signed-up-%s"}`, user, user)
}
