// SPDX-License-Identifier: Apache-2.0

// Package receiver receives events over HTTP. It finds the endpoint by the path, verifies the sender, splits the body
// into events, passes them to the endpoint's Accept function, and responds with success only after the events are
// durable. Package ingest runs one Receiver for all sources.
//
// The status codes are chosen for senders such as RudderStack, which drop an event on most 4xx responses and retry on
// 429. If a later attempt can succeed, the status is 429. If no attempt can ever succeed, it is another 4xx. A process
// that starts or stops responds with 503. The receiver must never redirect: RudderStack follows a redirect with an
// empty GET request and treats the response as success, so the event would be lost.
package receiver

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

const (
	defaultMaxInFlight    = 1024
	defaultMaxConnections = 4096
	defaultMaxBody        = layout.MaxBody
	defaultMaxMemory      = 100 << 20
	defaultHeaderTimeout  = 5 * time.Second
	defaultRequestTimeout = 10 * time.Second
	defaultAcceptTimeout  = 4 * time.Second
)

// Options limit the requests that the receiver handles at the same time, and their size. Each zero field has a default.
type Options struct {
	// MaxInFlight is the number of requests whose body has arrived and that may be handled at the same time; default
	// 1,024.
	MaxInFlight int
	// MaxConnections is the number of connections that may be open at the same time; default 4,096. See
	// Receiver.Listener.
	MaxConnections int
	// MaxBody is the size in bytes of the largest body, both as sent and decompressed; default 25 MiB.
	MaxBody int64
	// MaxMemory is the number of bytes that the bodies of all requests in flight and their copies may use together;
	// default 100 MiB. It is raised to four times MaxBody if it is smaller, so that one body always fits, however it is
	// sent.
	MaxMemory int64
	// HeaderTimeout bounds how long a request header may take to arrive; default 5 s.
	HeaderTimeout time.Duration
	// RequestTimeout bounds how long a whole request may take to arrive, from its start; default 10 s.
	RequestTimeout time.Duration
	// AcceptTimeout bounds one call of Endpoint.Accept, which may end a fortieth earlier; default 4 s, so that every
	// request has its response 5 s after it has arrived, even if Redis hangs. RudderStack waits 10 s. It retries after a
	// 429 for 30 days, but after no response for 3 hours only.
	AcceptTimeout time.Duration
	Log           logr.Logger
	// Metrics is where the receiver registers its metrics. It may be nil.
	Metrics prometheus.Registerer
	// Now is the wall clock; default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	setDefault(&o.MaxInFlight, defaultMaxInFlight)
	setDefault(&o.MaxConnections, defaultMaxConnections)
	setDefault(&o.MaxBody, defaultMaxBody)
	setDefault(&o.MaxMemory, defaultMaxMemory)
	setDefault(&o.HeaderTimeout, defaultHeaderTimeout)
	setDefault(&o.RequestTimeout, defaultRequestTimeout)
	setDefault(&o.AcceptTimeout, defaultAcceptTimeout)
	o.MaxMemory = max(o.MaxMemory, 4*(o.MaxBody+firstBuffer))
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the documented default
	}
	return o
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Receiver handles the requests of all sources. It responds with 503 before the first call of SetEndpoints and after
// Stop. Its methods are safe for concurrent use.
type Receiver struct {
	options  Options
	routes   atomic.Pointer[directory] // nil before the first SetEndpoints
	stopped  atomic.Bool
	draining atomic.Bool
	inFlight atomic.Int64
	memory   *memory
	// deadlines bound the calls of Endpoint.Accept.
	deadlines deadlines
	meter     meter
	journal   journal
}

// New returns a receiver without endpoints.
func New(options Options) *Receiver {
	r := &Receiver{options: options.withDefaults(), journal: journal{sources: map[string]*sourceRejections{}}}
	r.memory = newMemory(r.options.MaxMemory, r.options.Now)
	r.deadlines.timeout = r.options.AcceptTimeout
	r.meter = newMeter(options.Metrics, &r.inFlight, r.memory)
	return r
}

// SetEndpoints replaces all endpoints at once. A request in progress keeps the endpoint that it started with.
func (r *Receiver) SetEndpoints(endpoints []*Endpoint) {
	d := newDirectory(endpoints)
	r.routes.Store(&d)
	r.journal.keepOnly(d)
}

// Stop makes the receiver reject all new requests with 503. Requests in progress finish.
func (r *Receiver) Stop() { r.stopped.Store(true) }

// Drain makes the receiver close each connection after its next response, while it still accepts requests. Senders and
// load balancers then open their next connection to another process.
func (r *Receiver) Drain() { r.draining.Store(true) }

// Ready returns nil if new connections should be opened to this process. Otherwise it returns the reason: the process
// starts, drains or stops.
func (r *Receiver) Ready() error {
	if reason := r.notReady(); reason != nil {
		return reason
	}
	return nil
}

func (r *Receiver) notReady() *rejection {
	if rejected := r.unavailable(); rejected != nil {
		return rejected
	}
	if r.draining.Load() {
		return stopping()
	}
	return nil
}

// unavailable returns the rejection of every request while the receiver is starting or stopped, and nil otherwise.
func (r *Receiver) unavailable() *rejection {
	switch {
	case r.stopped.Load():
		return stopping()
	case r.routes.Load() == nil:
		return starting()
	default:
		return nil
	}
}

// ServeHTTP handles one request, responds and counts it.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	start, c := r.options.Now(), connectionOf(request)
	c.beginRequest()
	defer c.endRequest()
	if r.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if r.serveHealth(w, request) {
		return
	}
	summary, source, rejected := r.handle(w, request, c) //nolint:contextcheck // see accept
	elapsed := r.options.Now().Sub(start)
	if rejected != nil {
		r.meter.observeRejection(rejected.status, elapsed)
		r.record(source, rejected, clientAddress(request), request.ContentLength)
		r.reject(w, request, rejected)
		return
	}
	r.meter.observeSuccess(summary, elapsed)
	summary.write(w)
}

// enter counts a request whose body has arrived as in flight. It returns false if too many are in flight already. If it
// returns true, the caller must call leave.
func (r *Receiver) enter() bool {
	if r.inFlight.Add(1) > int64(r.options.MaxInFlight) {
		r.leave()
		return false
	}
	return true
}

func (r *Receiver) leave() { r.inFlight.Add(-1) }
