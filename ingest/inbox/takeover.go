// SPDX-License-Identifier: Apache-2.0

package inbox

import "context"

// takeOver ends the leases that an earlier process of the same owner left behind when it died, so that this process can claim their
// lanes at once. prefix is how the fencing tokens of that owner begin. If the earlier process is still running, it loses its
// leases; its fencing tokens no longer match, so it cannot finish any event.
func (b *Inbox) takeOver(ctx context.Context, prefix string) error {
	for _, s := range b.shards {
		word, _, err := b.scripts.takeover.run(ctx, b.client, []string{s.keys.Due(), s.keys.FencingTokens()},
			[]string{b.clock.argument(), prefix})
		if err := leaseResult(b.scripts.takeover, word, err); err != nil {
			return err
		}
	}
	return nil
}
