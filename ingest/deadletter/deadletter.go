// SPDX-License-Identifier: Apache-2.0

// Package deadletter reads, replays and discards the dead letters of one source. The admin API calls it. It shows a dead
// letter as an entry of the event log, with the same redaction. The inbox stores the dead letters; this package must
// never read or write Redis itself.
package deadletter

import (
	"context"
	"errors"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// ErrNotFound means that no dead letter has the given ID: it never existed, or it has been replayed, discarded or
// dropped because of a limit.
var ErrNotFound = errors.New("no dead letter has this ID")

// ErrUnreadable means that the stored event of a dead letter cannot be decoded. It can only be discarded.
var ErrUnreadable = errors.New("the stored event cannot be decoded; the dead letter can only be discarded")

// Letters are the dead letters of one source. Its methods are safe for concurrent use.
type Letters struct {
	source string
	inbox  *inbox.Inbox
	redact func() *eventlog.Redactor
}

// New returns the dead letters in the inbox of a source, NAMESPACE/NAME. redact returns the current redactor of the
// source.
func New(source string, box *inbox.Inbox, redact func() *eventlog.Redactor) *Letters {
	return &Letters{source: source, inbox: box, redact: redact}
}

// Get returns a dead letter. If there is none with this ID, the error is ErrNotFound; any other error comes from Redis.
func (l *Letters) Get(ctx context.Context, id string) (eventlog.Entry, error) {
	letter, err := l.read(ctx, id)
	if err != nil {
		return eventlog.Entry{}, err
	}
	return l.entry(letter), nil
}

// Replay moves a dead letter to the end of its user's lane, as a new event, and returns the ID of that event. Only the
// actions that have not succeeded run again, under the current mappings. The error is ErrNotFound, ErrUnreadable or
// comes from Redis. After an error of Redis, the caller may call Replay again: Doorbell replays a dead letter only once.
func (l *Letters) Replay(ctx context.Context, id string) (newID string, err error) {
	letter, err := l.read(ctx, id)
	if err != nil {
		return "", err
	}
	newID, replayed, err := l.replay(ctx, letter)
	switch {
	case err != nil:
		return "", err
	case letter.Event == nil:
		return "", ErrUnreadable
	case !replayed:
		return "", ErrNotFound
	default:
		return newID, nil
	}
}

// Discard deletes a dead letter. If there is none with this ID, the error is ErrNotFound; any other error comes from
// Redis.
func (l *Letters) Discard(ctx context.Context, id string) error {
	found, err := l.inbox.Discard(ctx, id)
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

func (l *Letters) read(ctx context.Context, id string) (*inbox.DeadLetter, error) {
	letter, err := l.inbox.GetDeadLetter(ctx, id)
	if err == nil && letter == nil {
		return nil, ErrNotFound
	}
	return letter, err
}

func (l *Letters) replay(ctx context.Context, letter *inbox.DeadLetter) (newID string, replayed bool, err error) {
	return l.inbox.Replay(ctx, letter, progress.ForReplay(letter.Progress))
}

// entry shows a dead letter as an entry of the event log, after redaction. If the event or its progress cannot be read,
// the reason of the entry says so.
func (l *Letters) entry(letter *inbox.DeadLetter) eventlog.Entry {
	if letter.Event == nil {
		return eventlog.Entry{
			ID: letter.ID, Source: l.source, Status: eventlog.DeadLettered, FinishedAt: &letter.At, Reason: ErrUnreadable.Error(),
		}
	}
	p, err := progress.Decode(letter.Progress)
	if err != nil {
		p = progress.Failed(progress.UnreadablePlan, err.Error())
	}
	_, reason := p.EventStatus()
	entry := p.LogEntry(l.source, letter.Event, eventlog.DeadLettered, reason)
	entry.FinishedAt = &letter.At
	return l.redact().Apply(entry)
}
