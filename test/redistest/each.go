// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
)

// OnEach runs a test twice: on a real Redis, and on miniredis, the Redis that is part of doorbell dev.
func OnEach(t *testing.T, test func(t *testing.T, client rueidis.Client)) {
	t.Helper()
	t.Run("on Redis", func(t *testing.T) { test(t, Start(t).Client(t)) })
	t.Run("on miniredis", func(t *testing.T) {
		test(t, connect(t, rueidis.ClientOption{InitAddress: []string{miniredis.RunT(t).Addr()}, DisableCache: true}))
	})
}
