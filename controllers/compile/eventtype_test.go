// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

func TestAnEventTypeThatTheSenderDoesNotHaveGivesAWarning(t *testing.T) {
	const ownType = `{type: RudderStack, eventType: body.kind, knock: {apiKeySecretRef: {name: knock, key: apiKey}}}`
	for name, tc := range map[string]struct {
		source, event, meant string // meant is "" if there is no warning
	}{
		"a track event without its prefix":        {minimal, "Order Completed", "track/Order Completed"},
		"a prefix in capitals":                    {minimal, "Track/Order Completed", "track/Order Completed"},
		"a misspelt event type":                   {minimal, "identfy", "identify"},
		"a wildcard without its prefix":           {minimal, "order*", "track/order*"},
		"a track event":                           {minimal, "track/order_completed", ""},
		"a track event without a name":            {minimal, "track", ""},
		"a wildcard after the prefix":             {minimal, "track/order*", ""},
		"a wildcard for all names":                {minimal, "track/*", ""},
		"a wildcard that matches several types":   {minimal, "p*", ""},
		"a wildcard for all events":               {minimal, "*", ""},
		"a page with a name":                      {minimal, "page/Home", ""},
		"a source with its own event types":       {ownType, "Order Completed", ""},
		"a source type without known event types": {`{type: Custom, eventType: body.kind, knock: {apiKeySecretRef: {name: k, key: k}}}`, "Order Completed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := actionMapping(t, "m", fmt.Sprintf(`{sourceRef: {name: rudderstack}, event: %q, deleteUser: {id: body.userId}}`, tc.event))
			result := compile.Source(source(t, tc.source), []*v1alpha1.ActionMapping{m})
			var want []problem.Problem
			if tc.meant != "" {
				want = []problem.Problem{{
					Mapping: "m", Field: "spec.event", Warning: true,
					Message: fmt.Sprintf("RudderStack sends no event type %q; its event types are track, track/*, identify, group, alias, "+
						"page, page/*, screen, screen/*; did you mean %q?", tc.event, tc.meant),
				}}
			}
			if diff := cmp.Diff(want, result.Problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}
