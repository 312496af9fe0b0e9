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

// duplicates finds mappings that run the same action for the same events, since their calls would be made twice. It maps
// the content of a mapping to its name.
type duplicates map[string]string

// add returns a problem if an older mapping has the same content, or nil. Inactive mappings are never duplicates.
func (d duplicates) add(m document.Mapping) *problem.Problem {
	if m.Inactive {
		return nil
	}
	name := m.Name
	m.Name = ""
	content, err := json.Marshal(m)
	if err != nil { // impossible: a Mapping contains only plain values
		panic(fmt.Sprintf("compile: %v", err))
	}
	older, known := d[string(content)]
	if !known {
		d[string(content)] = name
		return nil
	}
	return &problem.Problem{
		Mapping: name, Field: "spec", DuplicateOf: older,
		Message: fmt.Sprintf("ActionMapping %q runs the same action for the same events: delete one of them, or change its event, when or action", older),
	}
}

// oldestFirst returns the mappings sorted by age, then by name. Therefore, of two duplicates, the older one runs.
func oldestFirst(mappings []*v1alpha1.ActionMapping) []*v1alpha1.ActionMapping {
	return slices.SortedStableFunc(slices.Values(mappings), func(a, b *v1alpha1.ActionMapping) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
}

func byName(a, b document.Mapping) int { return cmp.Compare(a.Name, b.Name) }
