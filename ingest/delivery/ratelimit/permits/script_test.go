// SPDX-License-Identifier: Apache-2.0

package permits

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// TestNoTwoPermitsOfAllProcessesAreCloserThanTheInterval compares the times of the permits as Redis grants them, so that
// it does not depend on the speed of the machine.
func TestNoTwoPermitsOfAllProcessesAreCloserThanTheInterval(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		space := keyspace.New("production/shop", 2)
		var mu sync.Mutex
		var running sync.WaitGroup
		var times []int64
		for range 3 {
			store := Open(client, space)
			running.Go(func() {
				for range 40 {
					points, err := store.takePoints(t.Context())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					times = append(times, points...)
					mu.Unlock()
				}
			})
		}
		running.Wait()
		slices.Sort(times)
		for i := range times[1:] {
			if distance := times[i+1] - times[i]; distance < 16_900 { // µs, at 60 calls a second
				t.Fatalf("two of %d permits are %d µs apart", len(times), distance)
			}
		}
		if len(times) < 12 {
			t.Errorf("there are only %d permits", len(times))
		}
	})
}

// takePoints takes permits for two endpoints and returns the times of those for IdentifyUser in µs of Redis's clock.
func (s *Store) takePoints(ctx context.Context) ([]int64, error) {
	requests := []ratelimit.Request{
		{Endpoint: knock.IdentifyUser, Limit: 60, Waiting: 7, First: time.UnixMilli(1), Last: time.UnixMilli(2)},
		{Endpoint: knock.DeleteUser, Limit: 5, Waiting: 1},
	}
	grants, err := s.Take(ctx, requests)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zero := s.clock.local(0)
	var points []int64
	for i := range grants[0].Permits {
		at := grants[0].Start.Add(time.Duration(i) * grants[0].Interval).Sub(zero)
		points = append(points, at.Microseconds())
	}
	return points, nil
}

func TestAFullRedisStillGrantsPermits(t *testing.T) {
	client := redistest.Start(t, "--maxmemory", "3mb").Client(t)
	for i := 0; ; i++ {
		set := client.B().Set().Key("doorbell:fill:" + strconv.Itoa(i)).Value(rueidis.BinaryString(make([]byte, 10_000))).Build()
		if err := client.Do(t.Context(), set).Error(); err != nil {
			break
		}
	}
	store := Open(client, keyspace.New("production/shop", 1))
	grants, err := store.Take(t.Context(), []ratelimit.Request{{Endpoint: knock.IdentifyUser, Limit: 60, Waiting: 5}})
	if err != nil || grants[0].Permits != 5 {
		t.Errorf("%+v, %v", grants, err)
	}
}
