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
	http   *http.Client
	url    string
	users  int
	strict bool            // every first answer must be 200
	stop   <-chan struct{} // ends the run early when closed

	mu      sync.Mutex
	refused []string
	taken   []int // of each user; the next event's number too
}

// run sends so many events of each user at a steady pace, or as many as there are until it is stopped.
func (s *sender) run(ctx context.Context, events int, pace time.Duration) error {
	s.mu.Lock()
	s.taken = make([]int, s.users)
	s.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for user := range s.users {
		group.Go(func() error {
			for number := range events {
				if err := s.deliver(ctx, user, number); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-s.stop:
					return nil
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
			s.taken[user]++
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

// total is how many events were taken so far.
func (s *sender) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for _, n := range s.taken {
		sum += n
	}
	return sum
}

// amiss compares what Knock took with what was taken here: every event once, and a user's in order.
func (s *sender) amiss(calls []knocktest.Call) string {
	next := make([]int, s.users)
	for _, call := range calls {
		user, number, ok := counted(call)
		if !ok || user >= s.users {
			continue
		}
		if number != next[user] {
			return fmt.Sprintf("user %d: event %d came where %d was due", user, number, next[user])
		}
		next[user]++
	}
	for user, due := range next {
		if due != s.taken[user] {
			return fmt.Sprintf("user %d: %d of %d events came", user, due, s.taken[user])
		}
	}
	return ""
}

// counted tells of which event a call is; not ok when it is another call, or Knock did nothing for it.
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

// awaitAll waits until Knock has all that was taken, in order and once.
func (s *sender) awaitAll(t *testing.T, scene *scene) {
	t.Helper()
	eventually(t, "every event is delivered once and in order", func(ctx context.Context) string { return s.amiss(scene.calls(ctx)) })
}
