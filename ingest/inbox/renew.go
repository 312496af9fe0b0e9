// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"slices"
)

// Renew extends each lease, so that it ends one full lease length from now. It returns the leases that the caller has
// lost. After an error, Redis may have extended some of the leases.
func (b *Inbox) Renew(ctx context.Context, leases []*Lease) (lost []*Lease, err error) {
	byShard := map[*shard][]*Lease{}
	for _, lease := range leases {
		byShard[lease.shard] = append(byShard[lease.shard], lease)
	}
	for s, leases := range byShard {
		for part := range slices.Chunk(leases, maxLeases) {
			gone, err := b.renew(ctx, s, part)
			if err != nil {
				return nil, err
			}
			lost = append(lost, gone...)
		}
	}
	return lost, nil
}

func (b *Inbox) renew(ctx context.Context, s *shard, leases []*Lease) (lost []*Lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	deadline := b.leaseEnd()
	args := []string{b.clock.argument(), b.leaseArgument()}
	for _, lease := range leases {
		args = append(args, lease.lane, lease.token)
	}
	word, words, err := b.scripts.renew.run(ctx, b.client, s.scheduleKeys, args)
	if err != nil {
		return nil, err
	}
	if word != wordRenewed || len(words) != len(leases) {
		return nil, b.scripts.renew.unexpected(word)
	}
	for i, lease := range leases {
		if words[i] == wordHeld {
			lease.deadline.Store(&deadline)
		} else {
			lost = append(lost, lease)
		}
	}
	return lost, nil
}
