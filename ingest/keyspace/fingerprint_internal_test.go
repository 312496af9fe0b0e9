// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"math"
	"strconv"
	"testing"
)

// TestFalseDuplicatesAreAsRareAsTheFormulaSays remembers keys in a few sets, with fingerprints that are shortened to a few
// digits, and counts how many of many new keys are mistaken for known ones. With m live members in a set and
// fingerprints of count values, the probability is m/count.
func TestFalseDuplicatesAreAsRareAsTheFormulaSays(t *testing.T) {
	const known, asked = 10_000, 100_000
	for _, test := range []struct{ count, sets uint64 }{{10_000, 64}, {100_000, 64}, {100_000, 1000}, {1_000_000, 16}} {
		type stored struct{ set, member uint64 }
		members := map[stored]bool{}
		of := func(i int) stored {
			sum := digest("key " + strconv.Itoa(i))
			return stored{sum.setBits() % test.sets, sum.memberBits(test.count)}
		}
		for i := range known {
			members[of(i)] = true
		}
		mistaken := 0
		for i := range asked {
			if members[of(known+i)] {
				mistaken++
			}
		}
		want := asked * float64(len(members)) / float64(test.sets) / float64(test.count)
		// A count with this expectation seldom differs from it by more than five standard deviations.
		if math.Abs(float64(mistaken)-want) > 5*math.Sqrt(want) {
			t.Errorf("%d values, %d sets: %d of %d new keys are mistaken for known ones; want about %.0f", test.count, test.sets, mistaken, asked, want)
		}
	}
}

// TestAFalseDuplicateIsRarerThanOneInAMillionDays evaluates the formula for a billion events a day: for the first day of
// a source, which has several layouts, and for later days. dedupe.lua describes how the number of sets changes.
func TestAFalseDuplicateIsRarerThanOneInAMillionDays(t *testing.T) {
	const events, step, full, bucket = 1e9, 1000, 280, 1.0 / 8
	sets, inCurrent, inEarlier, since := 1024.0, 0.0, 0.0, 0.0
	expected := 0.0
	for n := 0.0; n < events; n += step {
		expected += step * (inEarlier + inCurrent/sets) / memberCount
		if inCurrent += step; inCurrent > full*sets {
			inEarlier += full
			if n/events-since < bucket {
				sets *= 8
			}
			sets, inCurrent, since = sets*8, 0, n/events
		}
	}
	t.Logf("%.2g false duplicates are expected on the first day, with %.0f sets at its end", expected, sets)
	if expected > 1e-6 {
		t.Error("want at most 1e-6")
	}
	if later := float64(events) * full / memberCount; later > 1e-6 {
		t.Errorf("%.2g false duplicates are expected on a later day; want at most 1e-6", later)
	}
}
