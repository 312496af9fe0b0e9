// SPDX-License-Identifier: Apache-2.0

package progress

import "github.com/doorbell-dev/doorbell/ingest/knock"

// MustBeStored reports whether the plan must be stored before its first call. Only a single call whose repetition is
// harmless need not be: if the process dies, the next one plans the event again.
func (p *Progress) MustBeStored() bool {
	var calls []*Call
	for _, a := range p.Actions {
		if !a.Status.Final() {
			calls = append(calls, a.Calls...)
		}
	}
	return len(calls) > 1 || len(calls) == 1 && calls[0].Request.Endpoint.RetryRule() != knock.RetryHarmless
}

// RepeatWouldUndo reports whether a call before next is done, is not stored as done, and would undo what next does if
// it were repeated afterwards.
func (p *Progress) RepeatWouldUndo(next *Call) bool {
	if next.Request.Endpoint.RetryRule() != knock.RetryWithKey {
		return false
	}
	for _, a := range p.Actions {
		for _, c := range a.Calls {
			if c == next {
				return false
			}
			if c.Done && !c.Stored && c.Request.Endpoint.RepeatUndoesTrigger() {
				return true
			}
		}
	}
	return false
}

// MarkStored is called when the progress is stored.
func (p *Progress) MarkStored() {
	for _, a := range p.Actions {
		for _, c := range a.Calls {
			c.Stored = c.Done
		}
	}
}
