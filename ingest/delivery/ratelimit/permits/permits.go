// SPDX-License-Identifier: Apache-2.0

// Package permits shares Knock's rate limits among all processes of a source. Each process takes permits for its next
// calls from Redis, many at a time. Package ratelimit is the only caller; it uses each permit at the time that the permit
// names. The package must never grant more permits for any second than the limit allows, even if processes die, replies
// are lost or Redis's clock changes.
package permits

import (
	"context"
	"crypto/rand"
	_ "embed" // embeds the script
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/redislua"
)

//go:embed lua/take.lua
var takeSource string

// Store grants the permits of one source to this process. It implements ratelimit.Permits and is safe for concurrent
// use.
type Store struct {
	client  rueidis.Client
	space   keyspace.Space
	process string // the name of this process in Redis
	script  *rueidis.Lua

	mu    sync.Mutex
	clock remoteClock
}

// Open returns the permits in the keyspace of a source. It does not call Redis.
func Open(client rueidis.Client, space keyspace.Space) *Store {
	return &Store{
		client: client, space: space, process: rand.Text()[:8],
		script: rueidis.NewLuaScript(redislua.Base() + takeSource),
	}
}

// Take implements ratelimit.Permits. If Redis has run the script and its reply is lost, the permits are lost too.
func (s *Store) Take(ctx context.Context, requests []ratelimit.Request) ([]ratelimit.Grant, error) {
	keys := make([]string, len(requests))
	args := []string{s.process, strconv.FormatInt(s.lead().Microseconds(), 10)}
	for i, r := range requests {
		keys[i] = s.space.RateLimit(string(r.Endpoint))
		pause := ""
		if r.Throttled {
			pause = strconv.FormatInt(r.RetryAfter.Microseconds(), 10)
		}
		args = append(args, strconv.FormatFloat(r.Limit, 'f', -1, 64), strconv.Itoa(r.Waiting),
			milliseconds(r.First), milliseconds(r.Last), pause)
	}
	sent := clock()
	values, err := s.script.Exec(ctx, s.client, keys, args).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("take permits: %w", err)
	}
	return s.parse(values, len(requests), sent, clock())
}

// milliseconds returns a time as ms since 1970, and 0 for the zero time.
func milliseconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// valuesPerGrant is the number of values in the reply for each endpoint; see take.lua.
const valuesPerGrant = 8

var errReply = errors.New("take permits: unexpected reply")

func (s *Store) parse(values []string, grants int, sent, received time.Time) ([]ratelimit.Grant, error) {
	if len(values) != 2+grants*valuesPerGrant || values[0] != "taken" {
		return nil, errReply
	}
	numbers := make([]int64, len(values)-1)
	for i, value := range values[1:] {
		number, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, errReply
		}
		numbers[i] = number
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.observe(numbers[0], sent, received)
	list := make([]ratelimit.Grant, grants)
	for i := range list {
		n := numbers[1+i*valuesPerGrant:]
		list[i] = ratelimit.Grant{
			Permits: int(n[0]), Start: s.clock.local(n[1]), Interval: max(time.Duration(n[2]), 1),
			// Half a round trip early, because the times can be so much late.
			AskAt:       s.clock.local(numbers[0] + n[3]).Add(-s.clock.roundTrip / 2),
			PausedUntil: s.clock.local(numbers[0] + n[4]),
			Processes:   int(n[5]), WaitingElsewhere: int(n[6]), Spare: int(n[7]),
		}
	}
	return list, nil
}

// lead returns the time that a reply takes to arrive, less what a permit may be used late. With a slow Redis, permits
// would otherwise be out of date when they arrive.
func (s *Store) lead() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.clock.roundTrip-ratelimit.MaxLag/2, 0)
}

// clock returns the process's clock; only its monotonic part is used.
func clock() time.Time { return time.Now() } //nolint:forbidigo // see above
