// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

// Endpoint names one endpoint of Knock's API. Doorbell stores the name with each planned request, so it must never
// change.
type Endpoint string

// The endpoints that Doorbell calls. An endpoint has the name of the action that calls it, except for the bulk
// endpoints, which no action calls.
const (
	IdentifyUser         Endpoint = "identifyUser"
	DeleteUser           Endpoint = "deleteUser"
	MergeUser            Endpoint = "mergeUser"
	SetObject            Endpoint = "setObject"
	DeleteObject         Endpoint = "deleteObject"
	SetTenant            Endpoint = "setTenant"
	DeleteTenant         Endpoint = "deleteTenant"
	Subscribe            Endpoint = "subscribe"
	Unsubscribe          Endpoint = "unsubscribe"
	AddAudienceMember    Endpoint = "addAudienceMember"
	RemoveAudienceMember Endpoint = "removeAudienceMember"
	CancelWorkflow       Endpoint = "cancelWorkflow"
	TriggerWorkflow      Endpoint = "triggerWorkflow"
	BulkIdentify         Endpoint = "bulkIdentify"
	BulkOperationStatus  Endpoint = "bulkOperationStatus"
)

// The largest lists that Knock accepts in one call.
const (
	MaxRecipients             = 1000 // recipients of TriggerWorkflow and CancelWorkflow
	MaxSubscriptionRecipients = 100  // recipients of Subscribe and Unsubscribe
	MaxAudienceMembers        = 1000 // members of AddAudienceMember and RemoveAudienceMember
	MaxBulkUsers              = 1000 // users of BulkIdentify
)

// RetryRule says why Doorbell may repeat a call if an earlier attempt may have reached Knock. The zero value means that
// the endpoint has no rule.
type RetryRule int

const (
	// RetryHarmless is for calls that change nothing more when they are repeated.
	RetryHarmless RetryRule = iota + 1
	// RetryNotFoundIsSuccess is for calls that remove their subject. If a repeated call gets a 404 response, an earlier
	// attempt has removed the subject, and the call has succeeded.
	RetryNotFoundIsSuccess
	// RetryWithKey is for calls that Knock executes once for each idempotency key.
	RetryWithKey
)

// call describes one endpoint.
type call struct {
	method string
	path   string // words in braces are placeholders for IDs, and their names appear in an IDError
	rate   int32  // Knock's published limit in calls a second; see docs.knock.app, "Rate limits", tiers 1 to 5
	retry  RetryRule
}

// calls describes every endpoint. A test fails if an endpoint has no rate or no retry rule.
var calls = map[Endpoint]call{
	IdentifyUser:         {http.MethodPut, "/v1/users/{user}", 60, RetryHarmless},
	DeleteUser:           {http.MethodDelete, "/v1/users/{user}", 5, RetryNotFoundIsSuccess},
	MergeUser:            {http.MethodPost, "/v1/users/{user}/merge", 5, RetryNotFoundIsSuccess},
	SetObject:            {http.MethodPut, "/v1/objects/{collection}/{object}", 60, RetryHarmless},
	DeleteObject:         {http.MethodDelete, "/v1/objects/{collection}/{object}", 60, RetryNotFoundIsSuccess},
	SetTenant:            {http.MethodPut, "/v1/tenants/{tenant}", 60, RetryHarmless},
	DeleteTenant:         {http.MethodDelete, "/v1/tenants/{tenant}", 5, RetryNotFoundIsSuccess},
	Subscribe:            {http.MethodPost, "/v1/objects/{collection}/{object}/subscriptions", 60, RetryHarmless},
	Unsubscribe:          {http.MethodDelete, "/v1/objects/{collection}/{object}/subscriptions", 60, RetryHarmless},
	AddAudienceMember:    {http.MethodPost, "/v1/audiences/{audience}/members", 60, RetryHarmless},
	RemoveAudienceMember: {http.MethodDelete, "/v1/audiences/{audience}/members", 60, RetryHarmless},
	CancelWorkflow:       {http.MethodPost, "/v1/workflows/{workflow}/cancel", 1000, RetryHarmless},
	TriggerWorkflow:      {http.MethodPost, "/v1/workflows/{workflow}/trigger", 1000, RetryWithKey},
	BulkIdentify:         {http.MethodPost, "/v1/users/bulk/identify", 1, RetryHarmless},
	BulkOperationStatus:  {http.MethodGet, "/v1/bulk_operations/{bulkOperation}", 200, RetryHarmless},
}

// Endpoints returns all endpoints, sorted by name.
func Endpoints() []Endpoint { return slices.Sorted(maps.Keys(calls)) }

// Rate returns Knock's published limit for the endpoint in calls a second. Knock applies it per environment, and
// therefore per API key. For an unknown endpoint Rate returns 1, the lowest limit that Knock has.
func (e Endpoint) Rate() int32 { return cmp.Or(calls[e].rate, 1) }

// RetryRule returns why a call of the endpoint may be repeated. For an unknown endpoint it returns 0.
func (e Endpoint) RetryRule() RetryRule { return calls[e].retry }

// RepeatUndoesTrigger reports whether a call of the endpoint, repeated after a later trigger of the same event, can
// undo what that trigger has done: a cancellation ends the workflow run, and a removal takes away its recipient. The
// repeated trigger does not correct that, because Knock executes it once for its key. Such a call must be recorded as
// done before the trigger begins.
func (e Endpoint) RepeatUndoesTrigger() bool {
	switch e {
	case CancelWorkflow, DeleteUser, MergeUser, DeleteObject, DeleteTenant, Unsubscribe, RemoveAudienceMember:
		return true
	default:
		return false
	}
}
