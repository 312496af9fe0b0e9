// SPDX-License-Identifier: Apache-2.0

package mapping

import "testing"

func TestSuggestionForMissingSource(t *testing.T) {
	for _, tc := range []struct {
		name     string
		source   string
		existing []string
		want     string
	}{
		{"the nearest name is suggested", "shpo", []string{"blog", "shop"}, `did you mean "shop"?`},
		{"without a near name the existing ones are listed", "nowhere", []string{"blog", "shop"}, "create it, or use an existing Source: blog, shop"},
		{"a long list is cut", "nowhere", []string{"a", "b", "c", "d", "e", "f"}, "create it, or use an existing Source: a, b, c, d, e, …"},
		{
			"without a Source in the namespace the namespace may be wrong", "shop", nil,
			"the namespace has no Source: create it, or create the ActionMapping in the namespace of its Source",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := suggestion(tc.source, tc.existing); got != tc.want {
				t.Errorf("got %q; want %q", got, tc.want)
			}
		})
	}
}
