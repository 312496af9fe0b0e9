// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// jumpingClock has two inboxes of one source, whose processes agree on the time that passes, and Redis's clock, which
// can jump.
type jumpingClock struct {
	redis, process *clock
	first, second  *inbox.Inbox
}

func newJumpingClock(t *testing.T, client rueidis.Client) *jumpingClock {
	c := &jumpingClock{redis: newClock(), process: newClock()}
	open := func() *inbox.Inbox {
		b := inboxtest.Open(t, client, inbox.Options{Now: c.redis.now, Limits: inbox.Limits{Window: window, Lease: lease}})
		b.UseProcessClock(c.process.now)
		return b
	}
	c.first, c.second = open(), open()
	return c
}

func (c *jumpingClock) advance(d time.Duration) {
	c.redis.advance(d)
	c.process.advance(d)
}

func TestLeasesContinueAfterRedisClockHasJumpedForward(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		c := newJumpingClock(t, client)
		claim(t, c.second)
		accept(t, c.first, newEvent("u", ""))
		held := claimOne(t, c.first)
		c.advance(20 * time.Second)
		c.redis.advance(10 * time.Minute)
		if got := claim(t, c.second).Leases; len(got) != 0 {
			t.Fatal("another process claimed a lane whose lease had 10 s left")
		}
		c.advance(9 * time.Second)
		if got := claim(t, c.second).Leases; len(got) != 0 {
			t.Fatal("another process claimed a lane whose lease had 1 s left")
		}
		ok(t, c.first.Save(t.Context(), held, []byte("progress")))
		c.advance(time.Second)
		claimOne(t, c.second)
		if err := c.first.Save(t.Context(), held, []byte("late")); !errors.Is(err, inbox.ErrLeaseLost) {
			t.Errorf("a save with the lost lease: %v; want ErrLeaseLost", err)
		}
	})
}

func TestLeasesEndWhileNoProcessReachesRedis(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		c := newJumpingClock(t, client)
		claim(t, c.second)
		accept(t, c.first, newEvent("u", ""))
		claimOne(t, c.first)
		c.advance(10 * time.Minute)
		claimOne(t, c.second)
	})
}
