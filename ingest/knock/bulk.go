// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// The endpoints beside the actions: their limits are their own.
const (
	// BulkIdentify is the endpoint of BulkIdentifyUsers.
	BulkIdentify document.ActionName = "bulkIdentify"
	// BulkOperationStatus is the endpoint of GetBulkOperation.
	BulkOperationStatus document.ActionName = "bulkOperationStatus"
)

// MaxBulkUsers is the most users that one BulkIdentifyUsers takes.
const MaxBulkUsers = 1000

// BulkUser is one row of a bulk identify: the arguments of IdentifyUser.
type BulkUser struct {
	ID   string
	Body json.RawMessage
}

// BulkIdentifyUsers identifies up to MaxBulkUsers users, later: the answer is a BulkOperation to poll. Whoever calls
// names a user only once; Knock promises nothing about the order of rows.
func BulkIdentifyUsers(users []BulkUser) (Request, error) {
	if len(users) == 0 || len(users) > MaxBulkUsers {
		return Request{}, fmt.Errorf("%s: %d users: it takes 1 to %d", BulkIdentify, len(users), MaxBulkUsers)
	}
	body := []byte(`{"users":[`)
	for index, user := range users {
		if index > 0 {
			body = append(body, ',')
		}
		row, err := user.row()
		if err != nil {
			return Request{}, fmt.Errorf("%s: row %d: %w", BulkIdentify, index, err)
		}
		body = append(body, row...)
	}
	body = append(body, "]}"...)
	return newRequestBody(BulkIdentify, http.MethodPost, body, word("users"), word("bulk"), word("identify"))
}

// row is the body with the ID in it.
func (u BulkUser) row() ([]byte, error) {
	if err := checkID("user", u.ID); err != nil {
		return nil, err
	}
	body, err := freeze(u.Body)
	if err != nil {
		return nil, err
	}
	id, err := json.Marshal(u.ID)
	if err != nil {
		return nil, err
	}
	row := body[:len(body)-1]
	if len(row) > 1 {
		row = append(row, ',')
	}
	row = append(row, `"id":`...) // the last of equal names wins: a body's own id never does
	row = append(row, id...)
	return append(row, '}'), nil
}

// GetBulkOperation asks how far a bulk operation is.
func GetBulkOperation(id string) (Request, error) {
	return newRequest(BulkOperationStatus, http.MethodGet, word("bulk_operations"), named("bulkOperation", id))
}

// BulkOperation is what Knock says of a bulk operation.
type BulkOperation struct {
	ID             string     `json:"id"`
	Status         BulkStatus `json:"status"`
	EstimatedTotal int        `json:"estimated_total_rows"`
	Processed      int        `json:"processed_rows"`
	Succeeded      int        `json:"success_count"`
	Failed         int        `json:"error_count"`
	// FailedRows names the rows that failed; for a bulk identify, the users.
	FailedRows []BulkRow `json:"error_items"`
}

// BulkRow names a user, or an object if it has a collection.
type BulkRow struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
}

// BulkStatus is how far a bulk operation is.
type BulkStatus string

// The statuses; the last two are final.
const (
	BulkQueued     BulkStatus = "queued"
	BulkProcessing BulkStatus = "processing"
	BulkCompleted  BulkStatus = "completed"
	BulkFailed     BulkStatus = "failed"
)

// Done is whether nothing more will change.
func (o *BulkOperation) Done() bool { return o.Status == BulkCompleted || o.Status == BulkFailed }
