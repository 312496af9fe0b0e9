// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// duplicates finds mappings that do the same for the same events: their calls would be made twice.
type duplicates map[string]string // content to name

// add returns the problem of a mapping that an older one makes superfluous. What is switched off does nothing twice.
func (d duplicates) add(m document.Mapping) *problem.Problem {
	if m.Inactive {
		return nil
	}
	name := m.Name
	m.Name = ""
	content, err := json.Marshal(m)
	if err != nil { // a Mapping holds only plain values
		panic(fmt.Sprintf("compile: %v", err))
	}
	older, known := d[string(content)]
	if !known {
		d[string(content)] = name
		return nil
	}
	return &problem.Problem{
		Mapping: name, Field: "spec", DuplicateOf: older,
		Message: fmt.Sprintf("ActionMapping %q does exactly the same for the same events: delete one of them, or change its event, when or action", older),
	}
}

// oldestFirst orders mappings by age, then name, so that a copy never ousts what it was copied from.
func oldestFirst(mappings []*v1alpha1.ActionMapping) []*v1alpha1.ActionMapping {
	return slices.SortedStableFunc(slices.Values(mappings), func(a, b *v1alpha1.ActionMapping) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
}

func byName(a, b document.Mapping) int { return cmp.Compare(a.Name, b.Name) }
