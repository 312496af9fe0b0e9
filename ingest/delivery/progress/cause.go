// SPDX-License-Identifier: Apache-2.0

package progress

import "github.com/doorbell-dev/doorbell/ingest/eventlog"

// Cause says in one word why an action is dead-lettered, for metrics.
type Cause string

// The causes.
const (
	Rejected       Cause = "rejected"        // Knock rejects the call
	RetriesEnded   Cause = "retries-ended"   // the call has failed for longer than spec.delivery.retryFor
	UnreadablePlan Cause = "unreadable-plan" // requests may have been sent, and the stored plan cannot be read
	InternalError  Cause = "internal-error"  // the work on the event panicked
)

// DeadLetterCause returns the cause of the first action that is dead-lettered. The first version of Doorbell stored no
// cause. For its actions, which Knock rejected or which ran out of time, the function returns Rejected.
func (p *Progress) DeadLetterCause() Cause {
	for _, a := range p.Actions {
		if a.Status == eventlog.DeadLettered && a.Cause != "" {
			return a.Cause
		}
	}
	return Rejected
}
