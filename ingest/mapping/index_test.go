// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

func TestAPatternMatchesTheseEventTypes(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern, eventType string
		normalized, exact  bool
	}{
		"an equal type":                                          {"identify", "identify", true, true},
		"another type":                                           {"identify", "group", false, false},
		"RudderStack's own spelling of the name":                 {"track/order_completed", "track/Order Completed", true, false},
		"RudderStack's own spelling in both":                     {"track/Order Completed", "track/Order Completed", true, true},
		"hyphens":                                                {"track/order_completed", "track/order-completed", true, false},
		"camel case":                                             {"track/order_completed", "track/orderCompleted", true, false},
		"a pattern in capitals":                                  {"track/ORDER COMPLETED", "track/order_completed", true, false},
		"spaces, hyphens and underscores at the edges":           {"track/order", "track/_ order -", true, false},
		"letters beyond ASCII":                                   {"track/über_größe", "track/ÜBER Größe", true, false},
		"other punctuation matters":                              {"track/order.completed", "track/order completed", false, false},
		"a tab matters":                                          {"track/order completed", "track/order\tcompleted", false, false},
		"case before the slash matters":                          {"track/order", "Track/order", false, false},
		"hyphens before the slash matter":                        {"user-created/x", "user_created/x", false, false},
		"a type without a slash is not normalized":               {"user_created", "User Created", false, false},
		"a second slash is part of the name":                     {"track/a_b/c_d", "track/A B/C D", true, false},
		"an empty name":                                          {"track/", "track/ -_", true, false},
		"a type without a name is not a type with an empty name": {"track/", "track", false, false},

		"a prefix":                                                     {"track/user*", "track/user_created", true, true},
		"a prefix, normalized":                                         {"track/user*", "track/User Created", true, false},
		"a prefix with a space before the star":                        {"track/user *", "track/userCreated", true, false},
		"a prefix that equals the type":                                {"track/user*", "track/user", true, true},
		"a prefix that is longer than the type":                        {"track/user*", "track/use", false, false},
		"a prefix of another kind":                                     {"track/user*", "page/user", false, false},
		"all track events with a name":                                 {"track/*", "track/Order Completed", true, true},
		"all track events with a name, including an empty one":         {"track/*", "track/", true, true},
		"the pattern for names does not match the type without a name": {"track/*", "track", false, false},
		"a type without a slash as a prefix":                           {"track*", "track/Order Completed", true, true},
		"a type as a prefix of itself":                                 {"track*", "track", true, true},
		"everything":                                                   {"*", "track/Order Completed", true, true},
		"everything, including a type without a name":                  {"*", "x", true, true},
		"a prefix of another letter":                                   {"track/é*", "track/è", false, false},
		"a star that is not at the end is a literal":                   {"track/*/x", "track/a/x", false, false},
		"a literal star matches itself":                                {"track/*/x", "track/*/x", true, true},
		"a star in the event type is a literal":                        {"track/a", "track/*", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			for exact, want := range map[bool]bool{false: tc.normalized, true: tc.exact} {
				if got := matches(t, tc.pattern, tc.eventType, exact); got != want {
					t.Errorf("%q matches %q: %v, want %v (exact: %v)", tc.pattern, tc.eventType, got, want, exact)
				}
			}
		})
	}
}

// matches reports whether a mapping with the pattern runs for an event of the type. It checks that Unmapped agrees
// with Plan.
func matches(t testing.TB, pattern, eventType string, exact bool) bool {
	t.Helper()
	doc := custom(t)
	doc.Event.Exact = exact
	doc.Mappings = []document.Mapping{{
		Name: "m", Event: pattern, Action: "deleteUser", Parameters: document.Parameters{"id": {Text: "'u'"}},
	}}
	e := &event.Event{ID: "evt", Type: eventType, Body: []byte(`{}`)}
	program := compile(t, doc)
	plan := program.Plan(e)
	if got := program.Unmapped(eventType); eventType != "" && got != plan.Reason {
		t.Errorf("Unmapped(%q) is %q for the pattern %q, but the reason of the plan is %q", eventType, got, pattern, plan.Reason)
	}
	return len(plan.Actions) == 1
}

func TestOnlyActiveMappingsMatchAnEventType(t *testing.T) {
	program := compile(t, custom(t,
		`{"name":"active","event":"order","action":"deleteUser","parameters":{"id":"body.id"}}`,
		`{"name":"inactive","event":"refund","inactive":true,"action":"deleteUser","parameters":{"id":"body.id"}}`,
		`{"name":"inactive-prefix","event":"track/*","inactive":true,"action":"deleteUser","parameters":{"id":"body.id"}}`,
	))
	for eventType, want := range map[string]string{
		"order": "", "": "", "other": `no mapping for "other"`,
		"refund": `no active mapping for "refund"`, "track/x": `no active mapping for "track/x"`,
	} {
		if got := program.Unmapped(eventType); got != want {
			t.Errorf("Unmapped(%q) is %q, want %q", eventType, got, want)
		}
	}
}

func FuzzEventNames(f *testing.F) {
	for _, seed := range []string{"", "identify", "track/Order Completed", "track/é İ/ẞ", "/", "track/ΑΣ Σ", "track/\xff", "a/\u0130\u0307", "track/\ufffd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal := mapping.Normalize(name)
		if again := mapping.Normalize(normal); again != normal {
			t.Errorf("normalizing %q gives %q, and normalizing that gives %q", name, normal, again)
		}
		if strings.Contains(name, "*") || name == "" {
			return
		}
		if !matches(t, name, name, false) || !matches(t, name, name, true) {
			t.Errorf("%q does not match itself", name)
		}
		if !matches(t, name, normal, false) || !matches(t, normal, name, false) {
			t.Errorf("%q does not match %q", name, normal)
		}
		if !matches(t, name+"*", name+"x", false) || !matches(t, name+"*", name, true) {
			t.Errorf("%q* does not match %qx", name, name)
		}
	})
}
