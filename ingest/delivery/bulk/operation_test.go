// SPDX-License-Identifier: Apache-2.0

package bulk_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestAFailedOrSkippedRowConcernsItsUserOnly(t *testing.T) {
	f := &fake{}
	f.start = func([]string) (knock.BulkOperation, error) {
		return knock.BulkOperation{ID: "op1", Status: knock.BulkQueued, Skipped: []string{"u2"}}, nil
	}
	f.poll = func(id string) (knock.BulkOperation, error) {
		return knock.BulkOperation{ID: id, Status: knock.BulkCompleted, Failed: 1, FailedRows: []knock.BulkRow{{ID: "u1"}}}, nil
	}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		outcomes := join(t, b, rows(4)...).wait()
		for user, want := range map[string]bulk.Result{"u0": bulk.Identified, "u1": bulk.Failed, "u2": bulk.Failed, "u3": bulk.Identified} {
			if got := outcomes[user]; got.Result != want || got.Operation != "op1" || got.Pending || (got.Err != nil) != (want == bulk.Failed) {
				t.Errorf("%s: %+v", user, got)
			}
		}
	})
}

// rejection is an answer of Knock that is not a success.
func rejection(status int) error {
	return &knock.Error{Endpoint: knock.BulkIdentify, Status: status, Message: "as the test wants"}
}

func TestHowAFailedCallEndsItsRows(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		pending bool
		later   bulk.Result // of the row that waits for the next call
	}{
		"400": {rejection(http.StatusBadRequest), false, bulk.Identified},
		"401": {rejection(http.StatusUnauthorized), false, bulk.Identified},
		"413": {rejection(http.StatusRequestEntityTooLarge), false, bulk.Identified},
		"429 with a long pause": {
			&knock.Error{Endpoint: knock.BulkIdentify, Status: http.StatusTooManyRequests, RetryAfter: time.Minute}, false, bulk.NotSent,
		},
		"408, after which Knock may still execute the call": {rejection(http.StatusRequestTimeout), true, bulk.Identified},
		"500, after which Knock may still execute the call": {rejection(http.StatusInternalServerError), true, bulk.Identified},
		"no answer": {errors.New("connection reset"), true, bulk.Identified},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			run(t, f, func(t *testing.T, b *bulk.Batcher) {
				join(t, b, row("first", 0)).wait() // the next call is made a second later
				f.start = func(users []string) (knock.BulkOperation, error) {
					if slices.Contains(users, "u0") {
						return knock.BulkOperation{}, test.err
					}
					return knock.BulkOperation{ID: "op2", Status: knock.BulkCompleted}, nil
				}
				outcomes := join(t, b, rows(1001)...).wait()
				if got := outcomes["u0"]; got.Result != bulk.Failed || got.Pending != test.pending || !errors.Is(got.Err, test.err) {
					t.Errorf("a row of the call: %+v", got)
				}
				if got := outcomes["u1000"]; got.Result != test.later {
					t.Errorf("a row that waited for the next call: %+v", got)
				}
			})
		})
	}
}

func TestAfterAShort429TheRowsAreSentAgain(t *testing.T) {
	f := &fake{}
	f.start = func([]string) (knock.BulkOperation, error) {
		if len(f.batches) < 3 {
			return knock.BulkOperation{}, rejection(http.StatusTooManyRequests)
		}
		return knock.BulkOperation{ID: "op1", Status: knock.BulkCompleted}, nil
	}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		for user, outcome := range join(t, b, rows(3)...).wait() {
			if outcome.Result != bulk.Identified || len(f.batches) != 3 {
				t.Errorf("%s: %+v after %d calls", user, outcome, len(f.batches))
			}
		}
	})
}

func TestHowAnOperationEndsItsRows(t *testing.T) {
	for name, test := range map[string]struct {
		poll    func(id string) (knock.BulkOperation, error)
		reason  string
		pending bool
		atLeast time.Duration
	}{
		"it fails as a whole": {
			poll: func(id string) (knock.BulkOperation, error) {
				return knock.BulkOperation{ID: id, Status: knock.BulkFailed}, nil
			},
			reason: "bulk operation op1 failed as a whole",
		},
		"it does not name all failed rows": {
			poll: func(id string) (knock.BulkOperation, error) {
				return knock.BulkOperation{ID: id, Status: knock.BulkCompleted, Failed: 2, FailedRows: []knock.BulkRow{{ID: "u9"}}}, nil
			},
			reason: "bulk operation op1: Knock names only 1 of 2 failed rows",
		},
		"it never ends": {
			poll: func(id string) (knock.BulkOperation, error) {
				return knock.BulkOperation{ID: id, Status: knock.BulkProcessing}, nil
			},
			reason: "bulk operation op1: its status is still processing after 5m0s", pending: true, atLeast: 5 * time.Minute,
		},
		"polling always fails": {
			poll:   func(string) (knock.BulkOperation, error) { return knock.BulkOperation{}, rejection(503) },
			reason: "bulk operation op1: no outcome after 5m0s: ", pending: true, atLeast: 5 * time.Minute,
		},
		"the key stays rejected": {
			poll:   func(string) (knock.BulkOperation, error) { return knock.BulkOperation{}, rejection(401) },
			reason: "bulk operation op1: no outcome after 5m0s: ", pending: true, atLeast: 5 * time.Minute,
		},
		"Knock does not know it": {
			poll:   func(string) (knock.BulkOperation, error) { return knock.BulkOperation{}, rejection(404) },
			reason: "bulk operation op1: knock: bulkIdentify: HTTP 404", pending: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &fake{poll: test.poll}, func(t *testing.T, b *bulk.Batcher) {
				got := join(t, b, rows(1)...).wait()["u0"]
				if got.Result != bulk.Failed || got.Pending != test.pending || !strings.HasPrefix(got.Err.Error(), test.reason) {
					t.Errorf("%+v", got)
				}
				if got.Took < test.atLeast || got.Took > test.atLeast+3*time.Second {
					t.Errorf("the outcome took %v", got.Took)
				}
			})
		})
	}
}

func TestPollingContinuesAfterFailures(t *testing.T) {
	f := &fake{duration: 10 * time.Second}
	polls := 0
	f.poll = func(id string) (knock.BulkOperation, error) {
		if polls++; polls < 4 {
			return knock.BulkOperation{}, rejection([]int{0, 401, 429, 502}[polls])
		}
		return knock.BulkOperation{ID: id, Status: knock.BulkCompleted}, nil
	}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		if got := join(t, b, rows(1)...).wait()["u0"]; got.Result != bulk.Identified || polls != 4 {
			t.Errorf("%+v after %d polls", got, polls)
		}
	})
}
