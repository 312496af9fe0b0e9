// SPDX-License-Identifier: Apache-2.0

package eventtype

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"
)

// flushTypes is the maximum number of types that one script writes, so that it does not block Redis for long.
const flushTypes = 200

// Flush adds the counts since the last flush to those in Redis. After an error it keeps the counts for the next flush.
// If Redis added the counts and only its reply was lost, they are counted twice.
func (c *Catalog) Flush(ctx context.Context) error {
	c.mu.Lock()
	pending, others := c.pending, c.others
	c.pending, c.others, c.newTypes = map[string]*seen{}, 0, 0
	c.mu.Unlock()
	for len(pending) > 0 || others > 0 {
		batch := map[string]*seen{}
		for eventType, s := range pending {
			if len(batch) == flushTypes {
				break
			}
			batch[eventType] = s
			delete(pending, eventType)
		}
		if err := c.write(ctx, batch, others); err != nil {
			c.keep(batch, others)
			c.keep(pending, 0)
			return fmt.Errorf("event types: flush: %w", err)
		}
		others = 0
	}
	return nil
}

// write adds a batch to the counts in Redis. Then it adds the types for which Redis had room to c.known.
func (c *Catalog) write(ctx context.Context, batch map[string]*seen, others int64) error {
	args := []string{strconv.Itoa(maxTypes), strconv.FormatInt(replaceAfter.Milliseconds(), 10), strconv.FormatInt(others, 10)}
	for eventType, s := range batch {
		args = append(args, eventType, strconv.FormatInt(s.count, 10), strconv.FormatInt(s.first, 10), strconv.FormatInt(s.last, 10),
			strconv.Itoa(s.length), rueidis.BinaryString(s.sample))
	}
	reply, err := c.script.Exec(ctx, c.client, []string{c.space.EventTypes(), c.space.EventTypeIndex()}, args).AsStrSlice()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for eventType := range batch {
		c.known[eventType] = struct{}{}
	}
	for _, eventType := range reply[1:] {
		delete(c.known, eventType)
	}
	if len(c.known) > maxTypes {
		clear(c.known) // Redis has replaced some of them; the next flushes add the current types again
	}
	return nil
}

// keep adds counts that could not be written to the counts of the next flush.
func (c *Catalog) keep(batch map[string]*seen, others int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.others += others
	for eventType, old := range batch {
		s := c.pending[eventType]
		if s == nil {
			if !c.add(eventType, old) {
				c.others += old.count
			}
			continue
		}
		s.count, s.first, s.last = s.count+old.count, min(s.first, old.first), max(s.last, old.last)
		if s.sample == nil {
			s.sample, s.length = old.sample, old.length
		}
	}
}
