// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/nearest"
	"github.com/doorbell-dev/doorbell/ingest/problem"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// unknownEventTypes returns a warning for each mapping that matches no event type of the template, such as a mapping for
// "Order Completed" instead of "track/Order Completed". A warning is enough, since senders may add event types. If the
// Source has its own eventType expression, the event types are unknown, and there are no warnings.
func unknownEventTypes(source *v1alpha1.Source, base *template.Template, mappings []document.Mapping) []problem.Problem {
	if source.Spec.EventType != "" || len(base.EventTypes) == 0 {
		return nil
	}
	var warnings []problem.Problem
	for _, m := range mappings {
		if slices.ContainsFunc(base.EventTypes, func(known string) bool { return overlap(known, m.Event) }) {
			continue
		}
		warnings = append(warnings, problem.Problem{
			Mapping: m.Name, Default: m.Default, Field: "spec.event", Warning: true,
			Message: fmt.Sprintf("%s sends no event type %q; its event types are %s; did you mean %q?",
				base.Type, m.Event, strings.Join(base.EventTypes, ", "), suggestEventType(base.EventTypes, m.Event)),
		})
	}
	return warnings
}

// overlap reports whether an event type can match both patterns. A pattern is an event type, or a prefix and a star.
func overlap(a, b string) bool {
	prefixA, wildA := strings.CutSuffix(a, "*")
	prefixB, wildB := strings.CutSuffix(b, "*")
	return wildA && strings.HasPrefix(prefixB, prefixA) || wildB && strings.HasPrefix(prefixA, prefixB) || prefixA == prefixB
}

// suggestEventType returns the pattern that the author of an unknown one probably meant: the nearest event type, or the
// same name after the first prefix of the template.
func suggestEventType(known []string, pattern string) string {
	head, name, hasName := strings.Cut(pattern, "/")
	if meant := nearest.Word(head, known); meant != "" && hasName {
		return meant + "/" + name
	} else if meant != "" {
		return meant
	}
	for _, k := range known {
		if prefix, wild := strings.CutSuffix(k, "*"); wild {
			return prefix + pattern
		}
	}
	return known[0]
}
