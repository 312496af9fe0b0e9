// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
)

// contains reports whether the live value contains everything that was applied. It ignores what the API server or others added.
func contains(live, applied any) bool {
	switch applied := applied.(type) {
	case map[string]any:
		live, ok := live.(map[string]any)
		if !ok {
			return len(applied) == 0
		}
		for name, value := range applied {
			if !contains(live[name], value) {
				return false
			}
		}
		return true
	case []any:
		live, ok := live.([]any)
		return ok && containsAll(live, applied)
	case string:
		live, ok := live.(string)
		return ok && (live == applied || sameQuantity(live, applied))
	default:
		return equality.Semantic.DeepEqual(live, applied)
	}
}

// containsAll reports whether each applied element is contained in one of the live elements, in any order. Others may have added
// elements to a list, and the merge keys of the lists are not known here.
func containsAll(live, applied []any) bool {
	for _, value := range applied {
		found := false
		for _, candidate := range live {
			if found = contains(candidate, value); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// sameQuantity reports whether two texts are the same quantity. The API server stores 1000m as 1, for example.
func sameQuantity(a, b string) bool {
	x, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(b)
	return err == nil && x.Cmp(y) == 0
}
