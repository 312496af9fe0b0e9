// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"sync"

	"github.com/redis/rueidis"
)

// connection is the client that all sources share, opened by the first who needs it.
type connection struct {
	connect func(context.Context) (rueidis.Client, error)

	mu     sync.Mutex
	client rueidis.Client
}

func (c *connection) get(ctx context.Context) (rueidis.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	client, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.client = client
	return client, nil
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
}
