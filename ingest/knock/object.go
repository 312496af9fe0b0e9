// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// MaxSubscriptionRecipients is the most recipients that one Subscribe or Unsubscribe takes.
const MaxSubscriptionRecipients = 100

// SetObject creates the object or merges the body into it.
func SetObject(collection, id string, body []byte) (Request, error) {
	return newRequestBody(document.SetObject, http.MethodPut, body, objectPath(collection, id)...)
}

// DeleteObject removes the object.
func DeleteObject(collection, id string) (Request, error) {
	return newRequest(document.DeleteObject, http.MethodDelete, objectPath(collection, id)...)
}

// Subscribe subscribes the body's recipients to the object, or updates their subscriptions.
func Subscribe(collection, id string, body []byte) (Request, error) {
	path := append(objectPath(collection, id), word("subscriptions"))
	return newRequestBody(document.Subscribe, http.MethodPost, body, path...)
}

// Unsubscribe ends the subscriptions of the body's recipients.
func Unsubscribe(collection, id string, body []byte) (Request, error) {
	path := append(objectPath(collection, id), word("subscriptions"))
	return newRequestBody(document.Unsubscribe, http.MethodDelete, body, path...)
}

func objectPath(collection, id string) []segment {
	return []segment{word("objects"), named("collection", collection), named("object", id)}
}
