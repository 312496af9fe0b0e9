// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice draws from the seed. Each decision has a name, such as "the third attempt at the call for event u1-4", and
// depends on the seed and that name only. So a decision stays the same even if the order in which decisions are made
// changes.
type dice struct{ seed uint64 }

// named returns the source of random numbers of one decision.
func (d dice) named(name ...any) *rand.Rand {
	hash := fnv.New64a()
	fmt.Fprintln(hash, name...)
	return rand.New(rand.NewPCG(d.seed, hash.Sum64()))
}

// chance reports true with the given probability.
func chance(r *rand.Rand, probability float64) bool { return r.Float64() < probability }

// between draws a duration. Its resolution is one nanosecond, so that two steps seldom happen at the same instant. The
// seed then determines their order; at the same instant, Go's scheduler would.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
