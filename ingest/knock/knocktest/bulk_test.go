// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestABulkIdentifyTakesItsTimeWhetherTheClientPollsOrNot(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fake := knocktest.New(t, knocktest.WithBulkDuration(3*time.Second), knocktest.WithClock(func() time.Time { return now }))
	play(t, fake, step{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1","name":"Ann"}]}`})
	now = now.Add(2 * time.Second)
	poll := func() (status string) {
		_, answer := send(t, fake, http.MethodGet, "/v1/bulk_operations/00000000-0000-4000-8000-000000000001", "")
		var operation struct{ Status string }
		if err := json.Unmarshal([]byte(answer), &operation); err != nil {
			t.Fatal(err)
		}
		return operation.Status
	}
	if first, second, users := poll(), poll(), fake.State().Users; first != "processing" || second != "processing" || len(users) > 0 {
		t.Errorf("after two seconds: %s, %s, %v", first, second, users)
	}
	now = now.Add(time.Second)
	want := map[string]knocktest.Properties{"u1": {"name": "Ann"}}
	if diff := cmp.Diff(want, fake.State().Users); diff != "" {
		t.Errorf("after three seconds (-want +got)\n%s", diff)
	}
	if status := poll(); status != "completed" {
		t.Errorf("after three seconds: %s", status)
	}
}

func TestOperationsAndCallsTakeEffectInTheOrderOfTheirTimes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fake := knocktest.New(t, knocktest.WithBulkDuration(3*time.Second), knocktest.WithClock(func() time.Time { return now }))
	play(t, fake, step{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1","name":"first"}]}`})
	now = now.Add(time.Second)
	play(t, fake, step{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1","name":"second"}]}`})
	now = now.Add(time.Minute)
	play(t, fake, step{"PUT", "/v1/users/u1", `{"plan":"pro"}`})
	want := map[string]knocktest.Properties{"u1": {"name": "second", "plan": "pro"}}
	if diff := cmp.Diff(want, fake.State().Users); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestASkippedRowChangesNothing(t *testing.T) {
	fake := knocktest.New(t, knocktest.WithSkippedRows("u1"), knocktest.WithBulkDuration(time.Nanosecond))
	play(t, fake, step{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1"},{"id":"u2"}]}`})
	if diff := cmp.Diff(map[string]knocktest.Properties{"u2": {}}, fake.State().Users); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
