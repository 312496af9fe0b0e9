// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Properties are the properties of a user, an object or a tenant. Numbers are json.Number.
type Properties = map[string]any

// Run is one run of a workflow. A trigger that repeats an idempotency key creates no run.
type Run struct {
	ID             string
	Workflow       string
	IdempotencyKey string
	// Recipients are references: the ID of a user, or COLLECTION/ID for an object.
	Recipients []string
	// Unknown are the recipients that did not exist when the workflow was triggered. Knock does not notify them.
	Unknown         []string
	Actor           string
	Tenant          string
	Data            Properties
	CancellationKey string
	Canceled        bool
}

// State is the state of the fake.
type State struct {
	Users     map[string]Properties // by ID
	Objects   map[string]Properties // by COLLECTION/ID
	Tenants   map[string]Properties // by ID
	Audiences map[string][]string   // the IDs of users by audience, sorted
	// Subscriptions are the properties of subscriptions by object, then by recipient.
	Subscriptions map[string]map[string]Properties
	// Runs are in the order of their triggers.
	Runs []Run
}

// store executes the calls. It never changes stored properties in place, so that snapshot can share them.
type store struct {
	now       func() time.Time
	workflows []string // nil: every workflow exists
	failRows  map[string]bool
	skipRows  map[string]bool
	serial    int // of the last ID
	// bulkDuration is the time from a bulk identify to its completion; 0: until the second poll
	bulkDuration time.Duration
	State
	members    map[string]map[string]bool
	operations map[string]*operation
	running    []*operation // those that are completed by time, in the order in which they began
	replays    map[string]replay
	windows    map[knock.Endpoint]window
}

func newStore(now func() time.Time) store {
	return store{
		now: now, failRows: map[string]bool{}, skipRows: map[string]bool{}, members: map[string]map[string]bool{},
		operations: map[string]*operation{}, replays: map[string]replay{}, windows: map[knock.Endpoint]window{},
		State: State{
			Users: map[string]Properties{}, Objects: map[string]Properties{}, Tenants: map[string]Properties{},
			Subscriptions: map[string]map[string]Properties{},
		},
	}
}

// snapshot returns a copy of the state that later calls do not change.
func (s *store) snapshot() State {
	state := State{
		Users: maps.Clone(s.Users), Objects: maps.Clone(s.Objects), Tenants: maps.Clone(s.Tenants),
		Audiences: map[string][]string{}, Subscriptions: map[string]map[string]Properties{}, Runs: slices.Clone(s.Runs),
	}
	for audience, members := range s.members {
		state.Audiences[audience] = slices.Sorted(maps.Keys(members))
	}
	for name, subscribers := range s.Subscriptions {
		state.Subscriptions[name] = maps.Clone(subscribers)
	}
	return state
}

// newID returns the next UUID of a sequence, so that tests can predict it.
func (s *store) newID() string {
	s.serial++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", s.serial)
}

func (s *store) timestamp() string { return s.now().UTC().Format(time.RFC3339) }

// merge returns base with patch merged into it. It merges nested objects, and null replaces a value, as at Knock.
func merge(base, patch Properties) Properties {
	merged := maps.Clone(base)
	if merged == nil {
		merged = Properties{}
	}
	for name, value := range patch {
		before, wasMap := merged[name].(map[string]any)
		after, isMap := value.(map[string]any)
		if wasMap && isMap {
			value = merge(before, after)
		}
		merged[name] = value
	}
	return merged
}

// without returns a copy of the properties without some names.
func without(properties Properties, names ...string) Properties {
	rest := maps.Clone(properties)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// refer returns the reference of a recipient and reports whether it exists. If the recipient is an object with
// properties, refer creates or updates it first.
func (s *store) refer(recipient any) (reference string, known bool) {
	described, inline := recipient.(map[string]any)
	if !inline {
		id, _ := recipient.(string)
		_, known = s.Users[id]
		return id, known
	}
	id, _ := described["id"].(string)
	properties := without(described, "id", "collection", "$trigger_data")
	if collection, ok := described["collection"].(string); ok {
		name := collection + "/" + id
		s.Objects[name] = merge(s.Objects[name], properties)
		return name, true
	}
	s.Users[id] = merge(s.Users[id], properties)
	return id, true
}

// name returns the reference of a recipient without creating or updating it.
func name(reference any) string {
	described, ok := reference.(map[string]any)
	if !ok {
		id, _ := reference.(string)
		return id
	}
	collection, _ := described["collection"].(string)
	id, _ := described["id"].(string)
	return strings.TrimPrefix(collection+"/"+id, "/")
}

// list returns a list in a valid body, or nil if it is missing.
func list(body map[string]any, field string) []any {
	values, _ := body[field].([]any)
	return values
}

// window counts the calls of an endpoint in one second of the clock.
type window struct {
	second time.Time
	calls  int
}

// admit counts a call. It rejects the call if the endpoint has reached its limit in the current second.
func (s *store) admit(endpoint knock.Endpoint, rate int) *rejection {
	second := s.now().Truncate(time.Second)
	counted := s.windows[endpoint]
	if !counted.second.Equal(second) {
		counted = window{second: second}
	}
	if counted.calls >= rate {
		return &rejection{
			status: http.StatusTooManyRequests, Code: "rate_limited", Message: "too many requests",
			header: map[string]string{"Retry-After": "1"},
		}
	}
	counted.calls++
	s.windows[endpoint] = counted
	return nil
}
