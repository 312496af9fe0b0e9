// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxRejections is the number of rejections that the journal keeps for each source.
	maxRejections = 1000
	// warnEvery is the shortest time between two warnings about the same code of the same source.
	warnEvery = time.Minute
)

// Rejection describes a request that the receiver rejected. It contains no part of the body, no token and no secret.
type Rejection struct {
	Time time.Time
	// Status is the HTTP status of the response. Code is its error code, such as "body_too_large".
	Status int
	Code   string
	// Reason says in one sentence why the request was rejected.
	Reason string
	// Address is the IP address of the client. If a proxy sent the request, it is "CLIENT via PROXY"; CLIENT is
	// the address that the proxy reported.
	Address string
	// Size is the length of the body in bytes as the client stated it; -1 if it did not.
	Size int64
}

// Rejections returns the latest rejections of the source NAMESPACE/NAME, newest first, at most limit. The receiver
// remembers the latest 1,000 rejections of each source. The empty name selects the rejections of requests whose URL
// names no source. The receiver keeps rejections in memory only, so that a hostile client cannot fill Redis with them.
func (r *Receiver) Rejections(source string, limit int) []Rejection {
	return r.journal.list(source, limit)
}

// journal keeps the latest rejections of each source, and decides which of them are logged as warnings. It is safe for
// concurrent use.
type journal struct {
	mu      sync.Mutex
	sources map[string]*sourceRejections // by NAMESPACE/NAME; "" is for requests whose URL names no source
}

// sourceRejections is a ring: after the first maxRejections, each new entry replaces the oldest one, which is at next.
type sourceRejections struct {
	entries  []Rejection
	next     int
	warnings map[string]*warning // by code
}

// warning is the state of the warnings about one code.
type warning struct {
	last time.Time
	// unlogged is the number of rejections since the last warning.
	unlogged int
}

// add remembers a rejection. If a warning about it is due, warn is true, and unlogged is the number of rejections with
// the same code since the previous warning.
func (j *journal) add(source string, entry Rejection) (warn bool, unlogged int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.sources[source]
	if s == nil {
		s = &sourceRejections{warnings: map[string]*warning{}}
		j.sources[source] = s
	}
	s.add(entry)
	w := s.warnings[entry.Code]
	if w == nil {
		w = &warning{}
		s.warnings[entry.Code] = w
	} else if entry.Time.Sub(w.last) < warnEvery {
		w.unlogged++
		return false, 0
	}
	unlogged = w.unlogged
	*w = warning{last: entry.Time}
	return true, unlogged
}

func (s *sourceRejections) add(entry Rejection) {
	if len(s.entries) < maxRejections {
		s.entries = append(s.entries, entry)
		return
	}
	s.entries[s.next] = entry
	s.next = (s.next + 1) % maxRejections
}

func (j *journal) list(source string, limit int) []Rejection {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.sources[source]
	if s == nil || limit <= 0 {
		return nil
	}
	oldestFirst := slices.Concat(s.entries[s.next:], s.entries[:s.next])
	slices.Reverse(oldestFirst)
	return oldestFirst[:min(limit, len(oldestFirst))]
}

// keepOnly deletes the rejections of all sources that are not in the directory.
func (j *journal) keepOnly(d directory) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := map[string]*sourceRejections{"": j.sources[""]}
	for _, e := range d {
		if s := j.sources[e.ref]; s != nil {
			kept[e.ref] = s
		}
	}
	j.sources = kept
}

// record counts a rejection and remembers it. size is Rejection.Size. If the rejection makes senders drop events, record also logs it as a
// warning, but at most once a minute for each source and code, so that a hostile client cannot fill the log.
func (r *Receiver) record(source string, rejected *rejection, address string, size int64) {
	r.meter.rejections.WithLabelValues(rejected.code).Inc()
	entry := Rejection{
		Time: r.options.Now(), Status: rejected.status, Code: rejected.code, Reason: rejected.message,
		Address: address, Size: size,
	}
	if rejected.reason != "" {
		entry.Reason = rejected.reason
	}
	warn, unlogged := r.journal.add(source, entry)
	details := []any{
		"source", source, "status", entry.Status, "code", entry.Code, "reason", entry.Reason, "address", entry.Address, "size", entry.Size,
	}
	if warn && rejected.dropsEvents() {
		r.options.Log.Info("Request rejected; senders such as RudderStack drop its events and do not retry",
			append(details, "rejectionsSinceLastWarning", unlogged)...)
		return
	}
	r.options.Log.V(2).Info("Request rejected", details...)
}

// dropsEvents reports whether senders drop the events of the request instead of sending them again. RudderStack retries
// on 408, 429 and 5xx, and drops on every other 4xx.
func (r *rejection) dropsEvents() bool {
	return r.status < http.StatusInternalServerError && r.status != http.StatusRequestTimeout && r.status != http.StatusTooManyRequests
}

// clientAddress returns Rejection.Address. It uses the last entry of X-Forwarded-For, which the nearest proxy added,
// and only if that entry is an IP address, because a client can send any text in this header.
func clientAddress(request *http.Request) string {
	address, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		address = request.RemoteAddr
	}
	forwarded := strings.Join(request.Header.Values("X-Forwarded-For"), ",")
	client, err := netip.ParseAddr(strings.TrimSpace(forwarded[strings.LastIndexByte(forwarded, ',')+1:]))
	if err != nil {
		return address
	}
	return client.WithZone("").String() + " via " + address
}
