// SPDX-License-Identifier: Apache-2.0

package permits_test

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit/permits"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

var space = keyspace.New("production/shop", 2)

// world is several processes with one in-memory Redis in a synctest bubble. It records the calls that they may make.
type world struct {
	t       *testing.T
	start   time.Time
	redis   *redis
	limits  []*ratelimit.Limits // of each process
	running sync.WaitGroup      // calls in progress
	close   []func()

	mu    sync.Mutex
	calls []call
}

type call struct {
	at      time.Time
	process int
}

func newWorld(t *testing.T, processes int, rates map[string]int32) *world {
	t.Helper()
	w := &world{t: t, start: time.Now(), redis: &redis{mini: miniredis.NewMiniRedis()}}
	w.redis.mini.ClockTTL(true)
	for range processes {
		client, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{"redis:1"}, DisableCache: true, ForceSingleClient: true,
			DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return w.redis.dial() },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.close = append(w.close, client.Close)
		w.limits = append(w.limits, ratelimit.New(rates, &link{w.redis, permits.Open(client, space)}))
	}
	return w
}

// call waits until a process may make a call, as delivery does, and returns how long it waited. An event that the queue
// returns to Redis comes back after its delay.
func (w *world) call(process int, endpoint knock.Endpoint, receivedAt time.Time) time.Duration {
	q, began := w.limits[process].Queue(endpoint), time.Now()
	for back, ok := q.Enter(receivedAt, false); !ok; back, ok = q.Enter(receivedAt, false) {
		elapse(back)
	}
	for {
		if !q.Wait(w.t.Context(), nil, receivedAt) {
			w.t.Error("the wait ended without a turn")
		}
		if !q.Blocked() {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call{time.Now(), process})
	return time.Since(began)
}

// finish waits for the calls in progress and checks that no second has more calls than the limit.
func (w *world) finish(limit int) {
	w.t.Helper()
	w.running.Wait()
	for _, close := range w.close {
		close()
	}
	elapse(time.Second) // until the goroutines of the clients have ended
	slices.SortStableFunc(w.calls, func(a, b call) int { return a.at.Compare(b.at) })
	for i, first := range w.calls {
		if i+limit < len(w.calls) && w.calls[i+limit].at.Sub(first.at) <= time.Second {
			w.t.Errorf("more than %d calls within a second from %v on", limit, first.at.Sub(w.start))
			return
		}
	}
}

func (w *world) redisCallsPerSecond() float64 {
	return float64(w.redis.calls.Load()) / time.Since(w.start).Seconds()
}

// redis is an in-memory Redis whose clock is that of the bubble, plus an offset.
type redis struct {
	mini  *miniredis.Miniredis
	calls atomic.Int64
	down  atomic.Bool
	delay atomic.Int64 // of each reply, in ns

	mu     sync.Mutex
	offset time.Duration
}

func (r *redis) dial() (net.Conn, error) {
	conn, err := r.mini.Dial()
	return &slowConn{conn, r}, err
}

// slowConn is a connection whose replies are delayed.
type slowConn struct {
	net.Conn
	redis *redis
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	elapse(time.Duration(c.redis.delay.Load()))
	return n, err
}

// jump changes the clock.
func (r *redis) jump(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset += by
}

func (r *redis) setTime() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mini.SetTime(time.Now().Add(r.offset))
}

// link is the connection of a process to Redis.
type link struct {
	redis *redis
	store *permits.Store
}

// Take implements ratelimit.Permits.
func (l *link) Take(ctx context.Context, requests []ratelimit.Request) ([]ratelimit.Grant, error) {
	if l.redis.down.Load() {
		return nil, context.DeadlineExceeded
	}
	l.redis.calls.Add(1)
	l.redis.setTime()
	return l.store.Take(ctx, requests)
}

// elapse lets the time of a synctest bubble advance.
func elapse(d time.Duration) { <-time.After(d) }
