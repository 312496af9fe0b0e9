// SPDX-License-Identifier: Apache-2.0

package inbox

import "context"

// takeOver releases what an earlier process, whose tokens begin like this, had claimed when it died, instead of waiting for the leases to
// run out. Should that process live, its claims are lost, and fencing keeps it from finishing anything.
func (b *Inbox) takeOver(ctx context.Context, tokens string) error {
	for _, s := range b.shards {
		word, _, err := b.scripts.takeover.run(ctx, b.client, []string{s.keys.Due(), s.keys.Claims()},
			[]string{b.clock.argument(), tokens})
		if err := ended(b.scripts.takeover, word, err); err != nil {
			return err
		}
	}
	return nil
}
