// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

// Lease is a worker's exclusive right to deliver the first event of a lane until Deadline.
//
// A worker can stop for a while and miss its deadline without noticing, so a deadline alone protects nothing. Each
// lease therefore has a fencing token. Redis stores the token of a lane's latest lease, and every script that changes a
// leased lane first compares the tokens. Once another worker has claimed the lane, calls with the earlier lease return
// ErrLeaseLost and change nothing.
type Lease struct {
	// Event is the event to deliver.
	Event *event.Event
	// Progress is the progress last saved for the event; nil if none was saved.
	Progress []byte
	// ReplayOf is the ID of the dead letter that the event replays; "" if the event is not a replay.
	ReplayOf string
	// Size is the number of bytes that Redis stores for the event and its progress.
	Size int

	shard       *shard
	lane        string
	token       string
	dueAt       string // ms since 1970
	fingerprint string // of the event's key; used if the event cannot be decoded
	saved       bool   // Redis may store progress for the event
	deadline    atomic.Pointer[time.Time]
}

func newLease(s *shard, lane, token, dueAt string, deadline time.Time) *Lease {
	l := &Lease{shard: s, lane: lane, token: token, dueAt: dueAt}
	l.deadline.Store(&deadline)
	return l
}

// newToken returns a new fencing token for a claim, unique among all processes. finish.lua derives from it the tokens of
// the leases that follow in the same lane.
func (b *Inbox) newToken() string {
	return b.process + strconv.FormatUint(b.tokens.Add(1), 36) + tokenEnd
}

// Deadline returns the time, by this process's monotonic clock, until which no other worker can claim the lane. Renew
// moves it.
func (l *Lease) Deadline() time.Time { return *l.deadline.Load() }

// Left returns how long the lease lasts from now unless it is renewed.
func (l *Lease) Left() time.Duration {
	return time.Until(l.Deadline()) //nolint:forbidigo // the process's monotonic clock, as in leaseEnd
}

// leaseEnd returns the end of a lease that begins now. The process computes the end before it calls the script, so the
// lease in the process never ends later than the lease in Redis.
func (b *Inbox) leaseEnd() time.Time {
	return time.Now().Add(b.leaseLength()) //nolint:forbidigo // the process's monotonic clock
}

func (b *Inbox) leaseLength() time.Duration {
	return cmp.Or(max(b.limits.Load().Lease, 0), defaultLease)
}

func (b *Inbox) leaseArgument() string { return strconv.FormatInt(b.leaseLength().Milliseconds(), 10) }

// fill sets the lease's event from the two elements that a lane stores for it, and sets its progress unless progress is
// "".
//
// The first element consists of the time of receipt, ms; the fingerprint of the event's key, "-" if it has none; and,
// for an event that replays a dead letter, the ID of the dead letter and the progress at the time of the replay, which
// may be empty. The first version of Doorbell stored only the time.
func (l *Lease) fill(received, encoded, progress string) error {
	l.Size = len(received) + len(encoded) + len(progress)
	fields := strings.SplitN(received, " ", 4)
	if len(fields) > 1 && fields[1] != noFingerprint {
		l.fingerprint = fields[1]
	}
	if len(fields) == 4 {
		l.ReplayOf = fields[2]
		if progress == "" {
			progress = fields[3]
		}
	}
	if progress != "" {
		l.Progress = []byte(progress)
	}
	ms, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return errors.New("stored event: invalid time of receipt")
	}
	e, err := event.Decode([]byte(encoded))
	if err != nil {
		return err
	}
	e.ReceivedAt = time.UnixMilli(ms).UTC()
	l.Event = e
	return nil
}

// noFingerprint replaces the fingerprint in the lane of an event without a key.
const noFingerprint = "-"

// receivedMilliseconds returns the time of receipt from the first element that a lane stores for an event.
func receivedMilliseconds(received string) string {
	ms, _, _ := strings.Cut(received, " ")
	return ms
}
