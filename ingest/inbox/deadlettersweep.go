// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"time"
)

const (
	// sweepInterval is the time between two sweeps of the dead letters, and sweepTimeout the maximum duration of one.
	sweepInterval = time.Minute
	sweepTimeout  = 30 * time.Second
)

// Run sweeps the dead letters at once and then every minute until ctx ends. Every process that uses the inbox calls it.
// If a sweep fails, Run calls failed with the error, and the next sweep repeats the work.
func (b *Inbox) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		sweep, cancel := context.WithTimeout(ctx, sweepTimeout)
		if err := b.SweepDeadLetters(sweep); err != nil && ctx.Err() == nil {
			failed(err)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// SweepDeadLetters deletes the dead letters that exceed the limits, in short steps. The limits therefore also apply to a
// source that adds no dead letters.
func (b *Inbox) SweepDeadLetters(ctx context.Context) error {
	for _, s := range b.shards {
		for deleted := ""; deleted != "0"; {
			args := append([]string{b.clock.argument()}, b.deadLetterArguments()...)
			word, rest, err := b.scripts.sweepDeadLetters.run(ctx, b.client, s.sharedKeys, args)
			if err != nil {
				return err
			}
			if word != wordDone || len(rest) != 1 {
				return b.scripts.sweepDeadLetters.unexpected(word)
			}
			deleted = rest[0]
		}
	}
	return nil
}
