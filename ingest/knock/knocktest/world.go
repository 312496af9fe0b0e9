// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Properties are what Knock holds of a user, an object or a tenant. Numbers are json.Number.
type Properties = map[string]any

// Run is one accepted trigger that was not a replay.
type Run struct {
	ID             string
	Workflow       string
	IdempotencyKey string
	// Recipients are references: a user's id, or COLLECTION/ID.
	Recipients []string
	// Unknown are those of them that were not identified when the trigger came; they hear nothing.
	Unknown         []string
	Actor           string
	Tenant          string
	Data            Properties
	CancellationKey string
	Canceled        bool
}

// State is all that the fake holds.
type State struct {
	Users     map[string]Properties
	Objects   map[string]Properties // by COLLECTION/ID
	Tenants   map[string]Properties
	Audiences map[string][]string // user ids by audience, sorted
	// Subscriptions are the properties by object, then by recipient.
	Subscriptions map[string]map[string]Properties
	Runs          []Run
}

// world is what the calls act on. Stored properties are never changed in place.
type world struct {
	now       func() time.Time
	workflows []string // nil for any
	failRows  map[string]bool
	serial    int
	State
	members    map[string]map[string]bool
	operations map[string]*operation
	replays    map[string]replay
	windows    map[knock.Endpoint]window
}

func newWorld(now func() time.Time) world {
	return world{
		now: now, failRows: map[string]bool{}, members: map[string]map[string]bool{},
		operations: map[string]*operation{}, replays: map[string]replay{}, windows: map[knock.Endpoint]window{},
		State: State{
			Users: map[string]Properties{}, Objects: map[string]Properties{}, Tenants: map[string]Properties{},
			Subscriptions: map[string]map[string]Properties{},
		},
	}
}

// snapshot is a copy that later calls do not change.
func (w *world) snapshot() State {
	state := State{
		Users: maps.Clone(w.Users), Objects: maps.Clone(w.Objects), Tenants: maps.Clone(w.Tenants),
		Audiences: map[string][]string{}, Subscriptions: map[string]map[string]Properties{}, Runs: slices.Clone(w.Runs),
	}
	for audience, members := range w.members {
		state.Audiences[audience] = slices.Sorted(maps.Keys(members))
	}
	for name, subscribers := range w.Subscriptions {
		state.Subscriptions[name] = maps.Clone(subscribers)
	}
	return state
}

// newID is a UUID that counts.
func (w *world) newID() string {
	w.serial++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", w.serial)
}

func (w *world) timestamp() string { return w.now().UTC().Format(time.RFC3339) }

// merge puts patch into base as Knock does: deeply, null included.
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

// without copies properties but for some names.
func without(properties Properties, names ...string) Properties {
	rest := maps.Clone(properties)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// refer identifies an inline recipient and returns its reference; known says whether Knock has it now.
func (w *world) refer(recipient any) (reference string, known bool) {
	described, inline := recipient.(map[string]any)
	if !inline {
		id, _ := recipient.(string)
		_, known = w.Users[id]
		return id, known
	}
	id, _ := described["id"].(string)
	properties := without(described, "id", "collection", "$trigger_data")
	if collection, ok := described["collection"].(string); ok {
		name := collection + "/" + id
		w.Objects[name] = merge(w.Objects[name], properties)
		return name, true
	}
	w.Users[id] = merge(w.Users[id], properties)
	return id, true
}

// name is refer without identifying.
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

// list is a list of a body that was checked.
func list(body map[string]any, field string) []any {
	values, _ := body[field].([]any)
	return values
}
