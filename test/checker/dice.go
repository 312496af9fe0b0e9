// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Dice draws from a seed. Each decision has a name, such as "the third attempt at the call for event u1-4", and depends
// on the seed and that name only. So a decision stays the same even if the order in which decisions are made changes.
type Dice struct{ Seed uint64 }

// Named returns the source of random numbers of one decision.
func (d Dice) Named(name ...any) *rand.Rand {
	hash := fnv.New64a()
	_, _ = fmt.Fprintln(hash, name...)                 // a hash never fails
	return rand.New(rand.NewPCG(d.Seed, hash.Sum64())) //nolint:gosec // a test must be repeatable
}

// Chance reports true with the given probability.
func Chance(r *rand.Rand, probability float64) bool { return r.Float64() < probability }

// Between draws a duration. Its resolution is one nanosecond, so that two steps seldom happen at the same instant.
func Between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// Pick draws one of the values.
func Pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
