// SPDX-License-Identifier: Apache-2.0

// Package nearest guesses which word was meant by a misspelt one.
package nearest

import "strings"

// Word returns the candidate that is nearest to word, or "" if none is near enough to be worth suggesting. Case counts
// for nothing: "actionmapping" is as near to "ActionMapping" as can be. Of equally near candidates the first wins.
func Word(word string, candidates []string) string {
	best, least := "", limit(word)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// limit is how many edits a word of this length may be away: one in three letters, at most three.
func limit(word string) int { return min(3, max(1, len(word)/3)) }

// longest bounds the words that are compared at all.
const longest = 64

// distance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
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
