// SPDX-License-Identifier: Apache-2.0

package knock

import "github.com/doorbell-dev/doorbell/ingest/document"

// Rate is the endpoint's published limit in calls a second, which Knock counts by environment of the API key.
// Source: docs.knock.app, "Rate limits" (tiers 1 to 5).
func Rate(endpoint document.ActionName) int32 {
	switch endpoint {
	case document.TriggerWorkflow, document.CancelWorkflow:
		return 1000
	case BulkOperationStatus:
		return 200
	case document.IdentifyUser, document.SetObject, document.DeleteObject, document.SetTenant,
		document.Subscribe, document.Unsubscribe, document.AddAudienceMember, document.RemoveAudienceMember:
		return 60
	case document.DeleteUser, document.MergeUser, document.DeleteTenant:
		return 5
	default: // every bulk endpoint, and the careful answer for one that is unknown
		return 1
	}
}
