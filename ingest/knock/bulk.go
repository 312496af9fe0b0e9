// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// BulkUser is one row of a bulk identify: a user's ID and the body that a single identify would have.
type BulkUser struct {
	ID   string
	Body json.RawMessage
}

// BulkIdentifyUsers returns a call that identifies up to MaxBulkUsers users. Knock only queues the work: it responds
// with a BulkOperation, which the caller polls. The caller must not name a user twice, since Knock does not promise to
// apply the rows in order.
func BulkIdentifyUsers(users []BulkUser) (Request, error) {
	if len(users) == 0 || len(users) > MaxBulkUsers {
		return Request{}, fmt.Errorf("%s: got %d users; Knock accepts 1 to %d", BulkIdentify, len(users), MaxBulkUsers)
	}
	body := []byte(`{"users":[`)
	for index, user := range users {
		if index > 0 {
			body = append(body, ',')
		}
		row, err := user.Row()
		if err != nil {
			return Request{}, fmt.Errorf("%s: row %d: %w", BulkIdentify, index, err)
		}
		body = append(body, row...)
	}
	return NewRequestWithBody(BulkIdentify, append(body, "]}"...))
}

// NewBulkUser returns the row that has the same effect as a single identify. ok is false if the request is of another
// endpoint.
func NewBulkUser(identify Request) (user BulkUser, ok bool) {
	escaped, found := strings.CutPrefix(identify.Path, "/v1/users/")
	if identify.Endpoint != IdentifyUser || !found {
		return BulkUser{}, false
	}
	id, err := url.PathUnescape(escaped)
	if err != nil || CheckID("user", id) != nil {
		return BulkUser{}, false
	}
	return BulkUser{ID: id, Body: identify.Body}, true
}

// Row returns the row as Knock receives it: the body with the ID as its last member. Knock uses the last of several
// members with the same name, so an "id" in the body cannot replace the ID.
func (u BulkUser) Row() (json.RawMessage, error) {
	if err := CheckID("user", u.ID); err != nil {
		return nil, err
	}
	body, err := normalize(u.Body)
	if err != nil {
		return nil, err
	}
	row := slices.Clone(body[:len(body)-1]) // the body may share the memory of u.Body
	if len(row) > 1 {
		row = append(row, ',')
	}
	row = append(row, `"id":`...)
	row = append(row, rawjson.Quote(u.ID)...)
	return append(row, '}'), nil
}

// GetBulkOperation returns a call that reads the state of a bulk operation.
func GetBulkOperation(id string) (Request, error) { return NewRequest(BulkOperationStatus, id) }

// BulkOperation is Knock's description of a bulk operation.
type BulkOperation struct {
	ID             string     `json:"id"`
	Status         BulkStatus `json:"status"`
	EstimatedTotal int        `json:"estimated_total_rows"`
	Processed      int        `json:"processed_rows"`
	Succeeded      int        `json:"success_count"`
	Failed         int        `json:"error_count"`
	// FailedRows are the rows that failed. For a bulk identify, they are users.
	FailedRows []BulkRow `json:"error_items"`
	// Skipped are the IDs of rows that Knock ignores, because it limits how often one user may change. Knock names them
	// in a header of the answer to the call that starts the operation.
	Skipped []string `json:"-"`
}

// BulkRow identifies an object if Collection is set, and a user otherwise.
type BulkRow struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
}

// BulkStatus is the state of a bulk operation.
type BulkStatus string

// The states of a bulk operation. BulkCompleted and BulkFailed are final.
const (
	BulkQueued     BulkStatus = "queued"
	BulkProcessing BulkStatus = "processing"
	BulkCompleted  BulkStatus = "completed"
	BulkFailed     BulkStatus = "failed"
)

// Done reports whether the operation is in a final state.
func (o *BulkOperation) Done() bool { return o.Status == BulkCompleted || o.Status == BulkFailed }

// skippedRows returns the values of all headers whose names begin with x-ratelimited-. Knock documents that the rest of
// the name is that of the limited parameter, but not which parameter a bulk identify limits.
func skippedRows(header http.Header) []string {
	var skipped []string
	for name, values := range header {
		if !strings.HasPrefix(name, "X-Ratelimited-") {
			continue
		}
		for id := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if id = strings.TrimSpace(id); id != "" {
				skipped = append(skipped, id)
			}
		}
	}
	return skipped
}
