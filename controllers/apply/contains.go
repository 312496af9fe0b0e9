// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
)

// contains says whether the live value holds everything that was applied. What the server or others added does not matter.
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

// containsAll finds each applied element in a live one. Lists merge by keys that this need not know: others may have added elements.
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

// sameQuantity compares what the server writes in its own form, such as 1000m as 1.
func sameQuantity(a, b string) bool {
	x, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(b)
	return err == nil && x.Cmp(y) == 0
}
