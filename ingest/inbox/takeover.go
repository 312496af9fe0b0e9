// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"slices"
	"time"
)

// takeOver ends the leases that an earlier process of the same owner left behind when it died, so that this process can
// claim their lanes at once. Every fencing token of that owner begins with prefix. If the earlier process is still
// running, it loses its leases; its fencing tokens no longer match, so it cannot finish any event.
func (b *Inbox) takeOver(ctx context.Context, prefix string) error {
	for _, s := range b.shards {
		if err := b.endLeases(ctx, s, prefix); err != nil {
			return err
		}
	}
	return nil
}

// endLeases ends the leases whose fencing tokens begin with one of the prefixes, and makes their lanes due.
func (b *Inbox) endLeases(ctx context.Context, s *shard, prefixes ...string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	word, _, err := b.scripts.takeover.run(ctx, b.client, s.scheduleKeys, append([]string{b.clock.argument()}, prefixes...))
	if err == nil && word != wordDone {
		err = b.scripts.takeover.unexpected(word)
	}
	return err
}

// abandonedClaim is a claim whose reply was lost. Redis may execute the claim even after Claim has returned an error.
type abandonedClaim struct {
	token    string
	deadline time.Time // the time by which its leases have ended, if Redis executed the claim in time
}

func (s *shard) abandon(token string, deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned = append(s.abandoned, abandonedClaim{token, deadline})
}

// endAbandonedLeases ends the leases of claims whose replies were lost. It does so in every call of Claim until those
// leases would have ended by themselves, because Redis may execute such a claim late.
func (b *Inbox) endAbandonedLeases(ctx context.Context, s *shard) error {
	s.mu.Lock()
	now := time.Now() //nolint:forbidigo // the process's monotonic clock, as in leaseEnd
	s.abandoned = slices.DeleteFunc(s.abandoned, func(c abandonedClaim) bool { return now.After(c.deadline) })
	var tokens []string
	for _, c := range s.abandoned {
		tokens = append(tokens, c.token)
	}
	s.mu.Unlock()
	if len(tokens) == 0 {
		return nil
	}
	return b.endLeases(ctx, s, tokens...)
}
