// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

// Claim is the right to work on a lane's first event until Deadline.
type Claim struct {
	Event *event.Event
	// Progress is what was last saved for this event; nil on its first attempt.
	Progress []byte

	shard    *shard
	lane     string
	token    string
	deadline atomic.Pointer[time.Time]
}

// Deadline is the time, by this process's monotonic clock, until which nobody else can hold the lane. Renew moves it.
func (c *Claim) Deadline() time.Time { return *c.deadline.Load() }

// Left is how long the claim lasts from now, unless it is renewed.
func (c *Claim) Left() time.Duration {
	return time.Until(c.Deadline()) //nolint:forbidigo // the process's monotonic clock, as for leaseEnd
}

// Claimed is what Claim found.
type Claimed struct {
	Claims []*Claim
	// Next is how long until the shard's next lane is due, 0 if more are due now, -1 if it has none. A claimed lane is due when
	// its lease ends.
	Next time.Duration
}

// maxClaims bounds one call; Lua can return a few thousand values.
const maxClaims = 1000

// Claim leases up to most due lanes of a shard, longest due first.
func (b *Inbox) Claim(ctx context.Context, shard, most int) (Claimed, error) {
	s := b.shards[shard]
	token := b.process + strconv.FormatUint(b.claims.Add(1), 36)
	deadline := b.leaseEnd()
	word, rest, err := b.scripts.claim.run(ctx, b.client, []string{s.keys.Due(), s.keys.Claims()},
		[]string{b.clock.argument(), b.leaseArgument(), strconv.Itoa(min(most, maxClaims)), token})
	if err != nil {
		return Claimed{}, err
	}
	if word != wordClaimed || len(rest) == 0 {
		return Claimed{}, b.scripts.claim.unexpected(word)
	}
	wait, err := strconv.ParseInt(rest[0], 10, 64)
	if err != nil {
		return Claimed{}, b.scripts.claim.unexpected(rest[0])
	}
	claims := make([]*Claim, len(rest)-1)
	for i, lane := range rest[1:] {
		claims[i] = &Claim{shard: s, lane: lane, token: token}
		claims[i].deadline.Store(&deadline)
	}
	claims, err = b.read(ctx, s, claims)
	return Claimed{Claims: claims, Next: next(wait)}, err
}

func next(wait int64) time.Duration {
	if wait < 0 {
		return -1
	}
	return time.Duration(wait) * time.Millisecond
}

// leaseEnd is asked before Redis is, so that it comes before the end that Redis knows.
func (b *Inbox) leaseEnd() time.Time {
	return time.Now().Add(b.lease) //nolint:forbidigo // the process's monotonic clock
}

func (b *Inbox) leaseArgument() string { return strconv.FormatInt(b.lease.Milliseconds(), 10) }

// read fetches the claimed lanes' first events and their progress, and returns the claims that have one. Only the holder of a
// lane changes these, so they need not be read in the script, to which their keys are not known.
func (b *Inbox) read(ctx context.Context, s *shard, claims []*Claim) ([]*Claim, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	commands := make(rueidis.Commands, 0, 2*len(claims))
	for _, c := range claims {
		commands = append(commands, b.client.B().Lrange().Key(s.keys.Lane(c.lane)).Start(0).Stop(1).Build(),
			b.client.B().Get().Key(s.keys.Progress(c.lane)).Build())
	}
	results := b.client.DoMulti(ctx, commands...)
	usable := claims[:0]
	for i, c := range claims {
		ok, err := b.fill(ctx, c, results[2*i], results[2*i+1])
		if err != nil {
			return nil, err
		}
		if ok {
			usable = append(usable, c)
		}
	}
	return usable, nil
}

// fill sets a claim's event and progress. It reports false for a lane that has no event, or one that cannot be read; neither
// should ever be, and neither may hold up the lane for ever.
func (b *Inbox) fill(ctx context.Context, c *Claim, entry, progress rueidis.RedisResult) (bool, error) {
	stored, err := entry.ToArray()
	if err != nil {
		return false, failure("claim", err)
	}
	if len(stored) == 0 {
		return false, b.clean(ctx, c)
	}
	c.Progress, err = progress.AsBytes()
	if err != nil && !rueidis.IsRedisNil(err) {
		return false, failure("claim", err)
	}
	c.Event, err = decode(stored)
	if err != nil {
		return false, b.buryUnreadable(ctx, c, err)
	}
	return true, nil
}

// decode reads the first two elements of a lane: the time of receipt in ms, and the event.
func decode(stored []rueidis.RedisMessage) (*event.Event, error) {
	if len(stored) != 2 {
		return nil, errors.New("stored event: half of it is missing")
	}
	ms, err := stored[0].AsInt64()
	if err != nil {
		return nil, fmt.Errorf("stored event: time of receipt: %w", err)
	}
	encoded, err := stored[1].AsBytes()
	if err != nil {
		return nil, fmt.Errorf("stored event: %w", err)
	}
	e, err := event.Decode(encoded)
	if err != nil {
		return nil, err
	}
	e.ReceivedAt = time.UnixMilli(ms).UTC()
	return e, nil
}

// clean takes a lane without events off the schedule.
func (b *Inbox) clean(ctx context.Context, c *Claim) error {
	keys := c.shard.keys
	_, _, err := b.scripts.clean.run(ctx, b.client,
		[]string{keys.Claims(), keys.Due(), keys.Lane(c.lane), keys.Progress(c.lane)}, []string{c.lane, c.token})
	return err
}
