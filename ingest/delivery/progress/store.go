// SPDX-License-Identifier: Apache-2.0

package progress

import "github.com/doorbell-dev/doorbell/ingest/knock"

// MustBeStored reports whether the plan must be stored before its first call. A plan need not be stored if it has a
// single call that is harmless to repeat: if the process dies, the next process plans the event again.
func (p *Progress) MustBeStored() bool {
	calls, repeatable := 0, true
	for _, a := range p.Actions {
		if a.Status.Final() {
			continue
		}
		for _, c := range a.Calls {
			calls, repeatable = calls+1, repeatable && c.Request.Endpoint.RetryRule() == knock.RetryHarmless
		}
	}
	return calls > 1 || !repeatable
}

// RepeatWouldUndo reports whether an earlier call could undo the effect of next. This is true if the earlier call is
// done but not stored as done: after a crash, the next process would repeat it after next.
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

// MarkStored records that the progress is stored. Call it after every successful write.
func (p *Progress) MarkStored() {
	for _, a := range p.Actions {
		for _, c := range a.Calls {
			c.Stored = c.Done
		}
	}
}
