// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"encoding/json"
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// IdentifyUser creates the user or merges the body into it.
func IdentifyUser(id string, body []byte) (Request, error) {
	return newRequestBody(document.IdentifyUser, http.MethodPut, body, word("users"), named("user", id))
}

// DeleteUser removes the user and all its data.
func DeleteUser(id string) (Request, error) {
	return newRequest(document.DeleteUser, http.MethodDelete, word("users"), named("user", id))
}

// MergeUser merges the user fromID into the user id; fromID is gone afterwards.
func MergeUser(id, fromID string) (Request, error) {
	if err := checkID("fromUser", fromID); err != nil {
		return Request{}, err
	}
	body, err := json.Marshal(map[string]string{"from_user_id": fromID})
	if err != nil {
		return Request{}, err
	}
	return newRequestBody(document.MergeUser, http.MethodPost, body, word("users"), named("user", id), word("merge"))
}
