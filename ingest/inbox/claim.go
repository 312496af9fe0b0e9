// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

// Lease is a worker's exclusive right to deliver the first event of a lane until Deadline.
//
// A worker can be slower than it believes, so a deadline alone protects nothing. Each lease therefore carries a fencing token that
// is unique to the call of Claim. Redis stores the token of a lane's latest lease, and every script that changes a leased lane
// first compares the tokens: once another worker has claimed the lane, the earlier one gets ErrLeaseLost and changes nothing.
type Lease struct {
	Event *event.Event
	// Progress is the progress last saved for the event; nil if none was saved.
	Progress []byte

	shard    *shard
	lane     string
	token    string
	deadline atomic.Pointer[time.Time]
}

// Deadline returns the time, by this process's monotonic clock, until which no other worker can claim the lane. Renew moves it.
func (l *Lease) Deadline() time.Time { return *l.deadline.Load() }

// Left returns how long the lease lasts from now unless it is renewed.
func (l *Lease) Left() time.Duration {
	return time.Until(l.Deadline()) //nolint:forbidigo // the process's monotonic clock, as in leaseEnd
}

// Claimed is the result of Claim.
type Claimed struct {
	Leases []*Lease
	// Next is how long until the shard's next lane is due: 0 if more lanes are due now, -1 if the shard has no lane. A leased lane
	// is due when its lease ends.
	Next time.Duration
}

// maxLeases bounds one call, because Lua cannot return more than a few thousand values.
const maxLeases = 1000

// Claim leases up to limit due lanes of a shard, the longest due first. A lane whose lease has ended is due. If the reply is lost,
// the lanes stay leased until their leases end.
// The first events of the lanes have up to bytes bytes together; 0 means no bound.
func (b *Inbox) Claim(ctx context.Context, shard, limit, bytes int) (Claimed, error) {
	s := b.shards[shard]
	token := b.process + strconv.FormatUint(b.claims.Add(1), 36)
	deadline := b.leaseEnd()
	word, rest, err := b.scripts.claim.run(ctx, b.client, []string{s.keys.Due(), s.keys.FencingTokens()},
		[]string{b.clock.argument(), b.leaseArgument(), strconv.Itoa(min(limit, maxLeases)), token})
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
	leases := make([]*Lease, len(rest)-1)
	for i, lane := range rest[1:] {
		leases[i] = &Lease{shard: s, lane: lane, token: token}
		leases[i].deadline.Store(&deadline)
	}
	leases, err = b.read(ctx, s, leases)
	return Claimed{Leases: leases, Next: untilNext(wait)}, err
}

func untilNext(wait int64) time.Duration {
	if wait < 0 {
		return -1
	}
	return time.Duration(wait) * time.Millisecond
}

// leaseEnd returns the end of a lease that begins now. It is called before the script, so that the process never believes in a
// lease for longer than Redis does.
func (b *Inbox) leaseEnd() time.Time {
	return time.Now().Add(b.leaseLength()) //nolint:forbidigo // the process's monotonic clock
}

func (b *Inbox) leaseLength() time.Duration {
	return cmp.Or(max(b.limits.Load().Lease, 0), defaultLease)
}

func (b *Inbox) leaseArgument() string { return strconv.FormatInt(b.leaseLength().Milliseconds(), 10) }

// read reads the first event of each leased lane and its progress, and returns the leases that have an event. The script cannot
// read them, because a script may use only the keys that it is given, and the caller does not know in advance which lanes are due.
// Reading them afterwards is safe: only the worker with the lease changes them.
func (b *Inbox) read(ctx context.Context, s *shard, leases []*Lease) ([]*Lease, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	commands := make(rueidis.Commands, 0, 2*len(leases))
	for _, l := range leases {
		commands = append(commands, b.client.B().Lrange().Key(s.keys.Lane(l.lane)).Start(0).Stop(1).Build(),
			b.client.B().Get().Key(s.keys.Progress(l.lane)).Build())
	}
	results := b.client.DoMulti(ctx, commands...)
	usable := leases[:0]
	for i, l := range leases {
		ok, err := b.fill(ctx, l, results[2*i], results[2*i+1])
		if err != nil {
			return nil, err
		}
		if ok {
			usable = append(usable, l)
		}
	}
	return usable, nil
}

// fill sets a lease's event and progress. It reports false for a lane without events and for an event that cannot be decoded.
// Neither should happen. fill removes the lane from the schedule or dead-letters the event, so that neither blocks the lane
// forever.
func (b *Inbox) fill(ctx context.Context, l *Lease, entry, progress rueidis.RedisResult) (bool, error) {
	stored, err := entry.ToArray()
	if err != nil {
		return false, failure("claim", err)
	}
	if len(stored) == 0 {
		return false, b.dropEmptyLane(ctx, l)
	}
	l.Progress, err = progress.AsBytes()
	if err != nil && !rueidis.IsRedisNil(err) {
		return false, failure("claim", err)
	}
	l.Event, err = decode(stored)
	if err != nil {
		return false, b.deadLetterUnreadable(ctx, l, err)
	}
	return true, nil
}

// decode decodes the first two elements of a lane: the time of receipt in ms, and the event.
func decode(stored []rueidis.RedisMessage) (*event.Event, error) {
	if len(stored) != 2 {
		return nil, errors.New("stored event: the lane has an odd number of elements")
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

// dropEmptyLane removes a leased lane without events from the schedule.
func (b *Inbox) dropEmptyLane(ctx context.Context, l *Lease) error {
	keys := l.shard.keys
	_, _, err := b.scripts.dropEmpty.run(ctx, b.client,
		[]string{keys.FencingTokens(), keys.Due(), keys.Lane(l.lane), keys.Progress(l.lane)}, []string{l.lane, l.token})
	return err
}
