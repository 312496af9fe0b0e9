// SPDX-License-Identifier: Apache-2.0

// Package redishealth watches Redis for the status report and the log: it holds the connection that all pipelines
// share, checks every two seconds whether Redis answers, and names the settings that could make Redis lose events.
// Package ingest runs one Monitor. It must never change anything in Redis.
package redishealth

import (
	"context"

	"github.com/redis/rueidis"
)

// Connection is the Redis client that a process shares. It connects on first use. It is safe for concurrent use.
type Connection struct {
	connect func(context.Context) (rueidis.Client, error)

	lock   chan struct{} // holds one value while a caller reads or sets client; a mutex would not respect a caller's context
	client rueidis.Client
}

// NewConnection returns a connection that opens its client with connect. connect is called again after an error.
func NewConnection(connect func(context.Context) (rueidis.Client, error)) *Connection {
	return &Connection{connect: connect, lock: make(chan struct{}, 1)}
}

// Client returns the shared client, and connects it if no earlier call has. While another call connects it, Client
// waits until ctx ends. The caller must not close the client.
func (c *Connection) Client(ctx context.Context) (rueidis.Client, error) {
	select {
	case c.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.lock }()
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

// Close closes the client, if there is one. Client must not be called afterwards.
func (c *Connection) Close() {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	if c.client != nil {
		c.client.Close()
	}
}
