// SPDX-License-Identifier: Apache-2.0

// Package receiver takes events in over HTTP: it finds the source by the path, verifies the sender, cuts the body into
// events, hands them to the inbox and answers once they are safe there.
//
// The answers are chosen for senders that drop an event on most 4xx and keep trying on 429: what will pass is 429, what
// can never succeed is another 4xx, and only starting and stopping are 503. Nothing is ever redirected.
package receiver

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	defaultMaxInFlight    = 1024
	defaultMaxBody        = 5 << 20
	defaultMaxMemory      = 256 << 20
	defaultHeaderTimeout  = 5 * time.Second
	defaultRequestTimeout = 10 * time.Second
	defaultAcceptTimeout  = 5 * time.Second
)

// Options bound what the receiver takes at once; zero fields have defaults.
type Options struct {
	// MaxInFlight is how many requests may be read and accepted at once; 0 means 1,024.
	MaxInFlight int
	// MaxBody is the largest body in bytes, as sent and after inflating; 0 means 5 MiB.
	MaxBody int64
	// MaxMemory is how many bytes the bodies in flight may take together, at least two of MaxBody; 0 means 256 MiB.
	MaxMemory int64
	// HeaderTimeout ends a request whose header does not arrive; 0 means 5 s.
	HeaderTimeout time.Duration
	// RequestTimeout ends a request that does not arrive whole, from its start; 0 means 10 s.
	RequestTimeout time.Duration
	// AcceptTimeout ends a call of Endpoint.Accept; 0 means 5 s.
	AcceptTimeout time.Duration
	Log           logr.Logger
	// Metrics may be nil.
	Metrics prometheus.Registerer
	// Now is nil for the system's clock.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	setDefault(&o.MaxInFlight, defaultMaxInFlight)
	setDefault(&o.MaxBody, defaultMaxBody)
	setDefault(&o.MaxMemory, defaultMaxMemory)
	setDefault(&o.HeaderTimeout, defaultHeaderTimeout)
	setDefault(&o.RequestTimeout, defaultRequestTimeout)
	setDefault(&o.AcceptTimeout, defaultAcceptTimeout)
	o.MaxMemory = max(o.MaxMemory, 2*(o.MaxBody+1))
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the system's clock, unless the caller has another
	}
	return o
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Receiver answers the requests of all sources. It answers 503 before the first SetEndpoints and after Stop.
type Receiver struct {
	options  Options
	routes   atomic.Pointer[directory]
	stopped  atomic.Bool
	draining atomic.Bool
	inFlight atomic.Int64
	memory   memory
	meter    meter
}

// New returns a receiver that has no sources yet.
func New(options Options) *Receiver {
	r := &Receiver{options: options.withDefaults()}
	r.memory.free.Store(r.options.MaxMemory)
	r.meter = newMeter(options.Metrics, &r.inFlight)
	return r
}

// SetEndpoints replaces all endpoints at once. A request in progress keeps the endpoint that it started with.
func (r *Receiver) SetEndpoints(endpoints []*Endpoint) {
	d := newDirectory(endpoints)
	r.routes.Store(&d)
}

// Stop turns away the requests that come from now on. Those under way finish.
func (r *Receiver) Stop() { r.stopped.Store(true) }

// Drain has every connection closed after its next answer, so that senders go elsewhere while requests are still taken.
func (r *Receiver) Drain() { r.draining.Store(true) }

// Ready returns why requests are turned away, nil when they are not.
func (r *Receiver) Ready() error {
	if rejected := r.closed(); rejected != nil {
		return rejected
	}
	if r.draining.Load() {
		return stopping()
	}
	return nil
}

func (r *Receiver) closed() *rejection {
	switch {
	case r.stopped.Load():
		return stopping()
	case r.routes.Load() == nil:
		return starting()
	default:
		return nil
	}
}

// ServeHTTP takes the events of one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	start := r.options.Now()
	if r.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	taken, rejected := r.handle(request)
	took := r.options.Now().Sub(start)
	if rejected != nil {
		r.meter.answer(rejected.status, taken, took)
		r.reject(w, request, rejected)
		return
	}
	r.meter.answer(http.StatusOK, taken, took)
	taken.write(w)
}

// enter counts a request in; it returns false when too many are in already. Whoever enters leaves.
func (r *Receiver) enter() bool {
	if r.inFlight.Add(1) > int64(r.options.MaxInFlight) {
		r.leave()
		return false
	}
	return true
}

func (r *Receiver) leave() { r.inFlight.Add(-1) }
