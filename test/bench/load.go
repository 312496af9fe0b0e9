// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// connections is the number of senders; each one uses one connection.
const connections = 64

// defaultUsers is the number of different users of a load whose field users is 0.
const defaultUsers = 50_000

// load describes the events that are sent to a target.
type load struct {
	event    string // its name
	users    int64  // the number of different users; 0 means defaultUsers
	duration time.Duration
	// rate is the number of events a second. With rate 0, each connection sends its next event as soon as the response
	// arrives. If the target cannot keep up with the rate, the load ends after three times its duration.
	rate float64
}

// outcome is what a load measured.
type outcome struct {
	sent      int
	began     time.Time
	latencies []time.Duration // from the time at which an event should have been sent to its response; in ascending order
}

// send sends the load with all connections. A rejected event costs time: it is sent again until the target accepts it.
func send(ctx context.Context, t *target, l load) (outcome, error) {
	if l.users == 0 {
		l.users = defaultUsers
	}
	senders, closeAll, err := dialAll(ctx, t, []byte(strings.ReplaceAll(event, "EVENT", l.event)), 1)
	if err != nil {
		return outcome{}, err
	}
	defer closeAll()
	var tickets atomic.Int64
	measured := make([][]time.Duration, len(senders))
	result := outcome{began: time.Now()}
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range senders {
		group.Go(func() error {
			for {
				due, ok := l.next(ctx, result.began, &tickets)
				if !ok {
					return ctx.Err()
				}
				if err := s.postUntilAccepted(ctx, -l.users, due); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				measured[i] = append(measured[i], time.Since(due))
			}
		})
	}
	err = group.Wait()
	result.latencies = slices.Concat(measured...)
	slices.Sort(result.latencies)
	result.sent = len(result.latencies)
	return result, err
}

// next returns the time at which the next event is due, and waits until then. It reports false after the end of the
// load.
func (l load) next(ctx context.Context, began time.Time, tickets *atomic.Int64) (due time.Time, ok bool) {
	if l.rate == 0 {
		now := time.Now()
		return now, now.Sub(began) < l.duration && ctx.Err() == nil
	}
	after := time.Duration(float64(tickets.Add(1)-1) / l.rate * float64(time.Second))
	if after >= l.duration || time.Since(began) > 3*l.duration {
		return time.Time{}, false
	}
	due = began.Add(after)
	if early := time.Until(due); early > 0 {
		wait(ctx, early)
	}
	return due, ctx.Err() == nil
}

// fill posts at least count events of one user, or of many users if user is negative, in large requests.
func fill(ctx context.Context, t *target, body string, messages int, user int64, count int) error {
	senders, closeAll, err := dialAll(ctx, t, []byte(body), messages)
	if err != nil {
		return err
	}
	defer closeAll()
	var posted atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range senders {
		group.Go(func() error {
			for posted.Add(int64(messages)) < int64(count+messages) {
				if err := s.postUntilAccepted(ctx, user, time.Now()); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// postUntilAccepted posts new events until a response has status 200. It continues after a status that asks the sender
// to retry, and after the target has closed the connection, because a target can reject a large body before it has read
// it.
func (s *sender) postUntilAccepted(ctx context.Context, user int64, sent time.Time) error {
	for {
		status, err := s.post(user, sent)
		switch {
		case err != nil:
			s.close()
			if err := s.connect(ctx); err != nil {
				return err
			}
		case status == "200":
			return nil
		case status != "408" && status != "429" && status[0] != '5':
			return errors.New("response with status " + status)
		}
		wait(ctx, 20*time.Millisecond)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// dialAll connects all senders.
func dialAll(ctx context.Context, t *target, body []byte, messages int) (senders []*sender, closeAll func(), err error) {
	closeAll = func() {
		for _, s := range senders {
			s.close()
		}
	}
	for range connections {
		s, err := dial(ctx, t, body, messages)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("%s: %w", t.name, err)
		}
		senders = append(senders, s)
	}
	return senders, closeAll, nil
}

// percentile returns the latency in seconds that a share of the events does not exceed. latencies are in ascending
// order.
func percentile(latencies []time.Duration, share float64) float64 {
	if len(latencies) == 0 {
		return 0
	}
	return latencies[int(share*float64(len(latencies)-1))].Seconds()
}
