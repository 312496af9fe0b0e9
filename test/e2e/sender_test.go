// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// sender posts numbered events of several users, the events of each user in order. Like RudderStack, it repeats an event until it is
// accepted, and only then sends the next event of that user.
type sender struct {
	http   *http.Client
	url    string
	users  int
	strict bool            // fail if the first response to an event is not 200
	stop   <-chan struct{} // close it to end the run early

	mu       sync.Mutex
	failures []string // attempts without the response 200
	accepted []int    // events accepted so far, by user; also the number of the user's next event
}

// run sends the given number of events of each user, with a pause after each one, until it is done or stopped.
func (s *sender) run(ctx context.Context, events int, pause time.Duration) error {
	s.mu.Lock()
	s.accepted = make([]int, s.users)
	s.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for user := range s.users {
		group.Go(func() error {
			for number := range events {
				if err := s.send(ctx, user, number); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-s.stop:
					return nil
				case <-time.After(pause):
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// send posts one event until it is accepted.
func (s *sender) send(ctx context.Context, user, number int) error {
	body := fmt.Sprintf(`{"type":"track","event":"counted","messageId":"m-%d-%d","userId":"user_%d","properties":{"number":%d}}`, user, number, user, number)
	return wait.PollUntilContextTimeout(ctx, pollInterval, waitTimeout, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
		if err != nil {
			return false, err
		}
		response, err := s.http.Do(request)
		if err != nil {
			return false, s.note(fmt.Sprintf("event %d of user %d: %v", number, user, err))
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.accepted[user]++
			return true, nil
		}
		if err := s.note(fmt.Sprintf("event %d of user %d: %s", number, user, response.Status)); err != nil {
			return false, err
		}
		if response.StatusCode < 500 && response.StatusCode != 429 && response.StatusCode != 408 {
			return false, fmt.Errorf("event %d of user %d: %s: RudderStack would drop the event", number, user, response.Status)
		}
		return false, nil
	})
}

// note records an attempt that failed. It returns an error if the sender is strict.
func (s *sender) note(failure string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure)
	if s.strict {
		return fmt.Errorf("not accepted at the first attempt: %s", failure)
	}
	return nil
}

// total returns the number of events accepted so far.
func (s *sender) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for _, n := range s.accepted {
		sum += n
	}
	return sum
}

// deliveryProblem compares the calls that Knock executed with the events that were accepted. It returns "" if Knock has executed
// exactly one call for each event, in order for each user; otherwise it describes the first difference.
func (s *sender) deliveryProblem(calls []knocktest.Call) string {
	next := make([]int, s.users)
	for _, call := range calls {
		user, number, ok := counted(call)
		if !ok || user >= s.users {
			continue
		}
		if number != next[user] {
			return fmt.Sprintf("user %d: Knock got event %d; want event %d next", user, number, next[user])
		}
		next[user]++
	}
	for user, delivered := range next {
		if delivered != s.accepted[user] {
			return fmt.Sprintf("user %d: Knock got %d of %d events", user, delivered, s.accepted[user])
		}
	}
	return ""
}

// counted returns the user and number of the event that caused a call. ok is false for a call of another mapping and for a call that
// Knock rejected or recognized as a repetition.
func counted(call knocktest.Call) (user, number int, ok bool) {
	var body struct {
		Recipients []string       `json:"recipients"`
		Data       map[string]int `json:"data"`
	}
	if call.Status != http.StatusOK || call.Replayed || json.Unmarshal([]byte(call.Body), &body) != nil || len(body.Recipients) != 1 {
		return 0, 0, false
	}
	_, err := fmt.Sscanf(body.Recipients[0], "user_%d", &user)
	return user, body.Data["number"], err == nil
}

// awaitAll waits until Knock has executed a call for every accepted event, once and in order.
func (s *sender) awaitAll(t *testing.T, scene *scene) {
	t.Helper()
	eventually(t, "every event is delivered once and in order", func(ctx context.Context) string { return s.deliveryProblem(scene.calls(ctx)) })
}
