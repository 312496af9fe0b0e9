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

// sender posts numbered events of several users, each user's in order, and goes on with one only when the one before was taken: as
// RudderStack does.
type sender struct {
	http    *http.Client
	url     func() string
	users   int
	strict  bool // every first answer must be 200
	mu      sync.Mutex
	refused []string
	posted  int
}

// run sends each user's events, from first to last, at a steady pace.
func (s *sender) run(ctx context.Context, first, last int, pace time.Duration) error {
	group, ctx := errgroup.WithContext(ctx)
	for user := range s.users {
		group.Go(func() error {
			for number := first; number <= last; number++ {
				if err := s.deliver(ctx, user, number); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(pace):
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// deliver posts one event until it is taken.
func (s *sender) deliver(ctx context.Context, user, number int) error {
	body := fmt.Sprintf(`{"type":"track","event":"counted","messageId":"m-%d-%d","userId":"user_%d","properties":{"number":%d}}`, user, number, user, number)
	return wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url(), strings.NewReader(body))
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
			s.posted++
			return true, nil
		}
		if err := s.note(fmt.Sprintf("event %d of user %d: %s", number, user, response.Status)); err != nil {
			return false, err
		}
		if response.StatusCode < 500 && response.StatusCode != 429 && response.StatusCode != 408 {
			return false, fmt.Errorf("event %d of user %d: %s: RudderStack would give it up", number, user, response.Status)
		}
		return false, nil
	})
}

func (s *sender) note(refusal string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, refusal)
	if s.strict {
		return fmt.Errorf("not taken: %s", refusal)
	}
	return nil
}

// amiss compares what Knock took with what was posted: every event once, and a user's in order.
func amiss(calls []knocktest.Call, users, last int) string {
	next := make([]int, users)
	for _, call := range calls {
		var body struct {
			Recipients []string       `json:"recipients"`
			Data       map[string]int `json:"data"`
		}
		if call.Status != http.StatusOK || call.Replayed || json.Unmarshal([]byte(call.Body), &body) != nil || len(body.Recipients) != 1 {
			continue
		}
		var user int
		if _, err := fmt.Sscanf(body.Recipients[0], "user_%d", &user); err != nil || user >= users {
			continue
		}
		if number := body.Data["number"]; number != next[user] {
			return fmt.Sprintf("user %d: event %d came where %d was due", user, number, next[user])
		}
		next[user]++
	}
	for user, due := range next {
		if due != last+1 {
			return fmt.Sprintf("user %d: %d of %d events came", user, due, last+1)
		}
	}
	return ""
}

// awaitAll waits until Knock has all of it, in order and once.
func awaitAll(t *testing.T, s *scene, users, last int) {
	t.Helper()
	eventually(t, "every event is delivered once and in order", func(ctx context.Context) string { return amiss(s.calls(ctx), users, last) })
}
