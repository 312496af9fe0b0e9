// SPDX-License-Identifier: Apache-2.0

// Package nearest suggests the word that an author probably meant by a misspelt one. The expression compiler, the
// controllers and the command line use it for their "did you mean" hints. It must never change what an author wrote.
package nearest

import "strings"

// Word returns the candidate that is nearest to word, or "" if none is near enough to suggest: at most one edit for
// every three letters of word, and never more than three. The comparison ignores case. If several candidates are equally
// near, Word returns the first.
func Word(word string, candidates []string) string {
	best, least := "", maxEdits(word)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// maxEdits returns how many edits may separate word from a candidate.
func maxEdits(word string) int { return min(3, max(1, len(word)/3)) }

// maxBytes is the longest word that distance compares, since its running time grows with the product of the lengths.
const maxBytes = 64

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b, in bytes. This is
// the "optimal string alignment" distance. For words longer than maxBytes it returns maxBytes.
func distance(a, b string) int {
	if len(a) > maxBytes || len(b) > maxBytes {
		return maxBytes
	}
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			next[j] = min(last[j]+1, next[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
