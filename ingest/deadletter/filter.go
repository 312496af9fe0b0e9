// SPDX-License-Identifier: Apache-2.0

package deadletter

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

const (
	// readLetters is the maximum number of dead letters that one call of List or one step reads.
	readLetters = 2500
	// pageLetters is the number of dead letters that are read from Redis at a time.
	pageLetters = 100
)

// List returns the dead letters that a query selects, the latest first. Since and Until of the query refer to the time
// at which an event was dead-lettered. List ignores the query's Status.
//
// One call reads at most 2,500 dead letters. If the query selects few of these, the page is short or even empty, and its
// Next continues the search. Only an empty Next means that there are no more.
func (l *Letters) List(ctx context.Context, query eventlog.Query) (eventlog.Page, error) {
	var page eventlog.Page
	cursor, read := query.Cursor, 0
	if cursor == "" && !query.Until.IsZero() {
		cursor = inbox.DeadLetterCursor(query.Until)
	}
	for letter, err := range pages(ctx, l.inbox.DeadLetters, cursor) {
		if err != nil {
			return eventlog.Page{}, err
		}
		if letter.At.Before(query.Since) {
			break
		}
		if entry := l.entry(letter); query.Selects(&entry) {
			page.Entries = append(page.Entries, entry)
		}
		if read++; read == readLetters || len(page.Entries) == query.PageSize() {
			page.Next = letter.Cursor()
			break
		}
	}
	return page, nil
}

// pages returns all dead letters after a cursor. An error is the last value.
func pages(ctx context.Context, read func(context.Context, string, int) ([]inbox.DeadLetter, string, error), cursor string) iter.Seq2[*inbox.DeadLetter, error] {
	return func(yield func(*inbox.DeadLetter, error) bool) {
		for more := true; more; more = cursor != "" {
			letters, next, err := read(ctx, cursor, pageLetters)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range letters {
				if !yield(&letters[i], nil) {
					return
				}
			}
			cursor = next
		}
	}
}

// Step is the outcome of one bounded step of an operation on all dead letters that a query selects.
type Step struct {
	// Done is the number of dead letters that the step has replayed, discarded or counted.
	Done int
	// Unreadable is the number of selected dead letters that cannot be replayed, because their stored event cannot be
	// decoded. Only ReplayStep sets it.
	Unreadable int
	// Next is the cursor of the next step; it is empty when the operation is complete. If a step returns an error, Next
	// continues after the dead letters that are done.
	Next string
}

// ReplayStep replays the dead letters that a query selects, the oldest first, so that events of one user keep their
// order. It does not replay a dead letter that was added after the first step. Otherwise an event that fails again would
// be replayed for ever.
//
// One step handles at most as many dead letters as the query's Limit says (0 means 100), and reads at most 2,500. The
// caller passes Next as the cursor of the query to continue, until Next is empty. An operation may be interrupted after
// any step, and may be started again from the beginning: a replayed dead letter no longer exists.
func (l *Letters) ReplayStep(ctx context.Context, query eventlog.Query) (Step, error) {
	unreadable := 0
	step, err := l.step(ctx, query, func(letter *inbox.DeadLetter) (bool, error) {
		if letter.Event == nil {
			unreadable++
			return false, nil
		}
		_, replayed, err := l.replay(ctx, letter)
		return replayed, err
	})
	step.Unreadable = unreadable
	return step, err
}

// DiscardStep deletes the dead letters that a query selects, in steps as ReplayStep does.
func (l *Letters) DiscardStep(ctx context.Context, query eventlog.Query) (Step, error) {
	return l.step(ctx, query, func(letter *inbox.DeadLetter) (bool, error) { return l.inbox.Discard(ctx, letter.ID) })
}

// CountStep counts the dead letters that a query selects, in steps as ReplayStep does. It changes nothing.
func (l *Letters) CountStep(ctx context.Context, query eventlog.Query) (Step, error) {
	return l.step(ctx, query, func(*inbox.DeadLetter) (bool, error) { return true, nil })
}

// step calls act for each dead letter that the query selects. act reports whether it has done its work.
func (l *Letters) step(ctx context.Context, query eventlog.Query, act func(*inbox.DeadLetter) (bool, error)) (step Step, err error) {
	end, cursor, err := l.operation(ctx, query)
	if err != nil || end == "" {
		return step, err
	}
	step.Next = end + "/" + cursor
	read, selected := 0, 0
	for letter, err := range pages(ctx, l.inbox.OldestDeadLetters, cursor) {
		if err != nil {
			return step, err
		}
		if beyond(letter, end, query.Until) {
			break
		}
		if entry := l.entry(letter); query.Selects(&entry) {
			done, err := act(letter)
			if err != nil {
				return step, err
			}
			if selected++; done {
				step.Done++
			}
		}
		step.Next = end + "/" + letter.Cursor()
		if read++; read == readLetters || selected == query.PageSize() {
			return step, nil
		}
	}
	step.Next = ""
	return step, nil
}

// operation returns where the operation of a query ends, as the time of the last dead letter in ms, and the cursor at
// which this step begins. The end is "" if there is no dead letter.
func (l *Letters) operation(ctx context.Context, query eventlog.Query) (end, cursor string, err error) {
	if query.Cursor != "" {
		end, cursor, _ = strings.Cut(query.Cursor, "/")
		if _, err := strconv.ParseInt(end, 10, 64); err != nil {
			return "", "", &eventlog.CursorError{Cursor: query.Cursor}
		}
		return end, cursor, nil
	}
	latest, _, err := l.inbox.DeadLetters(ctx, "", 1)
	if err != nil || len(latest) == 0 {
		return "", "", err
	}
	if !query.Since.IsZero() {
		cursor = inbox.DeadLetterCursor(query.Since)
	}
	return strconv.FormatInt(latest[0].At.UnixMilli(), 10), cursor, nil
}

// beyond reports whether a dead letter is later than the last one of an operation, or not before until.
func beyond(letter *inbox.DeadLetter, end string, until time.Time) bool {
	last, _ := strconv.ParseInt(end, 10, 64) // operation has checked it
	return letter.At.UnixMilli() > last || !until.IsZero() && !letter.At.Before(until)
}
