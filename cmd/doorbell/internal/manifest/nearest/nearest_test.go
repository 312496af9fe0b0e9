// SPDX-License-Identifier: Apache-2.0

package nearest

import "testing"

func TestWord(t *testing.T) {
	kinds := []string{"Source", "ActionMapping", "Secret"}
	for _, tc := range []struct{ name, word, want string }{
		{"a letter too few", "Sorce", "Source"},
		{"two letters swapped", "Soruce", "Source"},
		{"case alone", "actionmapping", "ActionMapping"},
		{"a plural", "Secrets", "Secret"},
		{"another word is not near", "Service", ""},
		{"an empty word is near to nothing", "", ""},
		{"a word longer than any field", string(make([]byte, 1000)), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Word(tc.word, kinds); got != tc.want {
				t.Errorf("Word(%q) = %q, want %q", tc.word, got, tc.want)
			}
		})
	}
}
