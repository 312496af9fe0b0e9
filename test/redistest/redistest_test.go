// SPDX-License-Identifier: Apache-2.0

package redistest_test

import (
	"testing"

	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestAKilledServerStillHasTheAcknowledgedWritesWhenItIsStartedAgain(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client(t)
	if err := client.Do(t.Context(), client.B().Set().Key("a").Value("1").Build()).Error(); err != nil {
		t.Fatal(err)
	}

	server.Kill()
	server.Start()

	client = server.Client(t)
	if got, err := client.Do(t.Context(), client.B().Get().Key("a").Build()).ToString(); err != nil || got != "1" {
		t.Errorf("a is %q, %v after Kill and Start; want 1", got, err)
	}
}
