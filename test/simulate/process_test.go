// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// process is one ingest process: the real server on a simulated network.
type process struct {
	world    *world
	name     string // the slot and the number of the process in it, such as a.2
	network  *network
	listener *listener
	registry *prometheus.Registry
	updates  chan []pipeline.Config
	cancel   context.CancelFunc
	ended    chan struct{} // closed when the process is dead, or has stopped
	end      sync.Once
	claimed  sync.Once // runs at the first claim
	dies     death

	mu      sync.Mutex
	steps   map[string]int // commands and calls so far, by name
	trouble time.Time      // when the simulation last disturbed the process; it need not respond to a request that was in progress then
	frozen  bool
	stopped bool
}

// death says at which step a process dies: at the n-th run of a command, a script or a call, before or after it.
type death struct {
	step  string
	n     int
	after bool
}

func startProcess(w *world, slot string, generation int, owner string) *process {
	name := fmt.Sprintf("%s.%d", slot, generation)
	network := newNetwork()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		world: w, name: name, network: network, listener: newListener(network.add), registry: prometheus.NewRegistry(),
		updates: make(chan []pipeline.Config, 64), cancel: cancel, ended: make(chan struct{}), steps: map[string]int{}, dies: w.plan.deathOf(name),
	}
	server := ingest.New(ingest.Config{
		Listener: p.listener, Owner: owner, Version: name, Registry: p.registry, Now: time.Now, Drain: time.Second,
		Log:     funcr.New(func(_, line string) { w.history.add("%s     log %s", name, line) }, funcr.Options{}),
		Connect: p.connect, KnockTransport: p.knockTransport(),
	})
	p.update(w.configuration())
	w.background.Go(func() {
		if err := server.Run(ctx, p.updates); err != nil && !p.network.isSevered() {
			w.fail("%s: the server ended: %v", name, err)
		}
		p.end.Do(func() { close(p.ended) })
		network.sever()
	})
	w.history.add("%s     starts; owner %q; dies %+v", name, owner, p.dies)
	return p
}

func (p *process) connect(context.Context) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"redis:1"}, DisableCache: true, ForceSingleClient: true,
		RetryDelay: func(attempts int, _ rueidis.Completed, _ error) time.Duration {
			return min(time.Millisecond<<min(attempts, 10), time.Second)
		},
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
			return p.world.redis.dial(p)
		},
	})
}

func (p *process) knockTransport() http.RoundTripper {
	transport := http.RoundTripper(&http.Transport{
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			raw, err := p.world.knock.dial(ctx)
			if err != nil {
				return nil, err
			}
			return p.network.add(raw)
		},
	})
	if wrap := p.world.broken.knock; wrap != nil {
		transport = wrap(p.world, transport)
	}
	return transport
}

// update gives the process a configuration.
func (p *process) update(c configuration) {
	config, err := c.build()
	if err != nil {
		p.world.fail("%v", err)
		return
	}
	p.updates <- []pipeline.Config{config}
}

// kill ends the process at once. It severs the network, so that nothing that the process still does has an effect.
func (p *process) kill(why string) {
	p.end.Do(func() {
		p.markTrouble()
		p.world.history.add("%s     dies %s", p.name, why)
		p.network.sever()
		p.cancel()
		close(p.ended)
	})
}

// stop asks the process to stop, as Kubernetes does.
func (p *process) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.markTrouble()
	p.cancel()
}

// sleep freezes the process's network.
func (p *process) sleep(length time.Duration) {
	p.world.history.add("%s     sleeps for %v", p.name, length.Round(time.Millisecond))
	p.setFrozen(true)
	p.network.freeze()
	time.Sleep(length)
	p.setFrozen(false)
	p.network.thaw()
	p.world.history.add("%s     wakes", p.name)
}

func (p *process) setFrozen(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen, p.trouble = frozen, time.Now()
}

func (p *process) markTrouble() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = time.Now()
}

// excusedSince reports whether the process may have left a request that was sent at this time without a response.
func (p *process) excusedSince(at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frozen || p.stopped || !p.trouble.Before(at)
}

// step counts a step and returns its number. It also reports whether the process dies at it.
func (p *process) step(name string) (n int, dies bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps[name]++
	n = p.steps[name]
	return n, p.dies.step == name && p.dies.n == n && !p.world.isCalm()
}
