// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// crowd returns a body with n recipients, u0, u1 and so on. It contains u0 twice.
func crowd(n int) string {
	ids := []string{`"u0"`}
	for i := range n {
		ids = append(ids, fmt.Sprintf(`"u%d"`, i))
	}
	return `{"type":"e","key":"k","r":[` + strings.Join(ids, ",") + `]}`
}

func TestListsAreSplitAtKnocksLimits(t *testing.T) {
	const (
		subscribe   = `"collection":"c","id":"'o'","recipients":"body.r"`
		unsubscribe = subscribe
		audience    = `"audience":"a","members":"body.r"`
		cancel      = `"workflow":"w","cancellationKey":"'k'","recipients":"body.r"`
		trigger     = `"workflow":"w","recipients":"body.r","data":{"a":"1"}`
	)
	for name, tc := range map[string]struct {
		action     document.ActionName
		parameters string
		recipients int
		want       []int
	}{
		"100 recipients of a subscription": {"subscribe", subscribe, 100, []int{100}},
		"101 recipients of a subscription": {"subscribe", subscribe, 101, []int{100, 1}},
		"201 recipients to unsubscribe":    {"unsubscribe", unsubscribe, 201, []int{100, 100, 1}},
		"1,000 members of an audience":     {"addAudienceMember", audience, 1000, []int{1000}},
		"1,001 members of an audience":     {"addAudienceMember", audience, 1001, []int{1000, 1}},
		"1,001 members to remove":          {"removeAudienceMember", audience, 1001, []int{1000, 1}},
		"1,001 recipients to cancel for":   {"cancelWorkflow", cancel, 1001, []int{1000, 1}},
		"1,000 recipients of a trigger":    {"triggerWorkflow", trigger, 1000, []int{1000}},
		"2,001 recipients of a trigger":    {"triggerWorkflow", trigger, 2001, []int{1000, 1000, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var sizes []int
			seen := map[string]bool{}
			for _, request := range planned(t, crowd(tc.recipients), mapped(tc.action, tc.parameters)).Actions[0].Requests {
				sizes = append(sizes, len(listed(t, request, seen)))
			}
			if diff := cmp.Diff(tc.want, sizes); diff != "" || len(seen) != tc.recipients {
				t.Errorf("%d of %d recipients; parts (-want +got):\n%s", len(seen), tc.recipients, diff)
			}
		})
	}
}

// listed returns the recipients or members of a request, and adds them to seen.
func listed(t *testing.T, request knock.Request, seen map[string]bool) []json.RawMessage {
	t.Helper()
	var body struct{ Recipients, Members []json.RawMessage }
	if err := json.Unmarshal(request.Body, &body); err != nil {
		t.Fatal(err)
	}
	list := append(body.Recipients, body.Members...)
	for _, one := range list {
		if seen[string(one)] {
			t.Errorf("%s is in two lists or twice in one", one)
		}
		seen[string(one)] = true
	}
	return list
}

func TestEveryPartOfASplitTriggerHasAllOtherFields(t *testing.T) {
	recipients := regexp.MustCompile(`"recipients":\[[^]]*\]`)
	plan := planned(t, crowd(1001), mapped("triggerWorkflow",
		`"workflow":"w","recipients":"body.r","actor":"'a'","tenant":"'t'","cancellationKey":"'c'","data":{"a":"1"},"settings":{"skip_delay":"true"}`))
	for _, request := range plan.Actions[0].Requests {
		want := `{"recipients":[],"actor":"a","tenant":"t","data":{"a":1},"cancellation_key":"c","settings":{"skip_delay":true}}`
		if diff := cmp.Diff(want, recipients.ReplaceAllString(string(request.Body), `"recipients":[]`)); diff != "" {
			t.Error(diff)
		}
	}
}

// triggerKeys returns the idempotency keys of an event's triggers for a source with the given name and dedupe window.
func triggerKeys(t *testing.T, source string, window time.Duration, e event.Event) []string {
	t.Helper()
	doc := custom(t, mapped("triggerWorkflow", `"workflow":"w","recipients":"body.r"`))
	doc.Name, doc.Event.Window = source, window
	program := compile(t, doc)
	if err := program.Identify(&e, nil); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, action := range program.Plan(&e).Actions {
		for _, request := range action.Requests {
			keys = append(keys, request.IdempotencyKey)
		}
	}
	return keys
}

func TestATriggersKeyDependsOnTheSendersKeyIfTheWindowIsLongEnough(t *testing.T) {
	const day = 24 * time.Hour
	first := event.Event{ID: "1", Body: []byte(`{"type":"e","key":"k","r":"u"}`)}
	for name, tc := range map[string]struct {
		window time.Duration
		again  event.Event
		same   bool
	}{
		"the same event has the same key":                 {day, first, true},
		"the same key with another event ID":              {day, event.Event{ID: "2", Body: first.Body}, true},
		"the same key with another body":                  {day, event.Event{ID: "2", Body: []byte(`{"type":"e","key":"k","r":"v"}`)}, true},
		"a longer window":                                 {30 * day, event.Event{ID: "2", Body: first.Body}, true},
		"a window shorter than Knock's uses the event ID": {day - 1, event.Event{ID: "2", Body: first.Body}, false},
		"a shorter window and the same event":             {day - 1, first, true},
		"another key":                                     {day, event.Event{ID: "1", Body: []byte(`{"type":"e","key":"l","r":"u"}`)}, false},
		"an event without a key uses the event ID":        {day, event.Event{ID: "1", Body: []byte(`{"type":"e","r":"u"}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := triggerKeys(t, "s", tc.window, first), triggerKeys(t, "s", tc.window, tc.again)
			if cmp.Equal(a, b) != tc.same {
				t.Errorf("got %s and %s, want equal keys: %v", a, b, tc.same)
			}
		})
	}
	if cmp.Equal(triggerKeys(t, "s", day, first), triggerKeys(t, "z", day, first)) {
		t.Error("two sources use the same key")
	}
}

func TestEveryTriggerHasItsOwnIdempotencyKey(t *testing.T) {
	form := regexp.MustCompile(`^doorbell-[0-9a-f]{32}$`)
	m := mapped("triggerWorkflow", `"workflow":"w","recipients":"body.r"`)
	program := compile(t, custom(t, m, strings.Replace(m, `"m"`, `"n"`, 1)))
	keys := func() (keys []string) {
		for _, action := range program.Plan(identified(t, program, crowd(1001))).Actions {
			for _, request := range action.Requests {
				keys = append(keys, request.IdempotencyKey)
			}
		}
		return keys
	}
	first := keys()
	if diff := cmp.Diff(first, keys()); diff != "" {
		t.Errorf("the keys of two plans of one event differ: %s", diff)
	}
	seen := map[string]bool{}
	for _, key := range first {
		if seen[key] || !form.MatchString(key) {
			t.Errorf("key %q", key)
		}
		seen[key] = true
	}
	if len(seen) != 4 { // two mappings of two parts each
		t.Errorf("got %d keys, want 4", len(seen))
	}
}
