// SPDX-License-Identifier: Apache-2.0

package nearest

import "testing"

func TestWordSuggestsTheNearestCandidate(t *testing.T) {
	kinds := []string{"Source", "ActionMapping", "Secret"}
	for _, tc := range []struct{ name, word, want string }{
		{"a missing letter", "Sorce", "Source"},
		{"two swapped letters", "Soruce", "Source"},
		{"a difference in case only", "actionmapping", "ActionMapping"},
		{"a plural", "Secrets", "Secret"},
		{"a different word has no suggestion", "Service", ""},
		{"an empty word has no suggestion", "", ""},
		{"a word that is too long to compare has no suggestion", string(make([]byte, 1000)), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Word(tc.word, kinds); got != tc.want {
				t.Errorf("Word(%q) = %q, want %q", tc.word, got, tc.want)
			}
		})
	}
}
