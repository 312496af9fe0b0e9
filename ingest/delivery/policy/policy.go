// SPDX-License-Identifier: Apache-2.0

// Package policy decides what the answer to a call to Knock means for the call, its event and its source. Delivery
// calls Decide after every attempt. The package is pure: it must never perform I/O, read a clock or draw a random
// number.
package policy

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Meaning is what an answer says about the call.
type Meaning int

// The meanings.
const (
	// Succeeded means that this attempt or an earlier one has taken effect.
	Succeeded Meaning = iota
	// Transient means that the same call may succeed later.
	Transient
	// Permanent means that Knock would reject the same call again.
	Permanent
	// KeyRejected means that Knock rejects the API key, and therefore every call of the source.
	KeyRejected
)

// Step is what delivery does next.
type Step int

// The steps.
const (
	// Continue makes the next call of the event.
	Continue Step = iota
	// Retry repeats the call after Decision.Wait.
	Retry
	// DeadLetter ends the call as failed. The event becomes a dead letter when its other calls have ended.
	DeadLetter
	// WaitForSource repeats the call when the pause of the source ends. The paused time does not count towards retryFor,
	// unless the event fails alone; see History.Alone.
	WaitForSource
)

// History describes the attempts at a call and its action up to the answer.
type History struct {
	// Repeated reports whether an earlier attempt at the same call may have reached Knock.
	Repeated bool
	// Failures is the number of transient failures since the last success of the action.
	Failures int
	// Spent is the time of all attempts, including this one, and of the waits between them. It includes the pauses of an
	// outage only if the event was alone; see Alone.
	Spent time.Duration
	// RetryFor limits Spent.
	RetryFor time.Duration
	// Outage reports whether the source is paused because no call to Knock succeeds.
	Outage bool
	// Alone reports whether the outage may be a failure of this event alone, because no other event fails.
	Alone bool
	// Jitter is a number from 0 to 1. It spreads the retries of events that failed together; see the function Jitter.
	Jitter float64
}

// aloneFactor multiplies RetryFor for an event that fails alone during an outage.
const aloneFactor = 2

// Decision is the result of Decide.
type Decision struct {
	Meaning Meaning
	Step    Step
	// Wait is the time until the next attempt.
	Wait time.Duration
	// Reason says why the call has not succeeded. It is "" if it has.
	Reason string
	// Note is for the event log. It is "" unless a success needs an explanation.
	Note string
}

// Decide returns what to do after an attempt at a call. err is nil if Knock accepted the call, a *knock.Error if the
// server rejected it, and any other error if there was no answer.
func Decide(request knock.Request, history History, err error) Decision {
	meaning, note := classify(request, history.Repeated, err)
	d := Decision{Meaning: meaning, Note: note}
	if meaning != Succeeded {
		d.Reason = Explain(err)
	}
	switch meaning {
	case Succeeded:
		d.Step = Continue
	case Permanent:
		d.Step = DeadLetter
	case KeyRejected:
		d.Step = WaitForSource
	case Transient:
		d.retry(history, err)
	}
	return d
}

// DecideBulk returns what to do with an event whose identify was part of a bulk call that failed, or whose row failed. It
// never dead-letters the event, even if its retryFor is over: Knock does not say which row makes it reject a call, nor why
// a row failed. The next attempt identifies the user alone, and Decide judges its answer.
func DecideBulk(history History, err error) Decision {
	meaning, _ := classify(knock.Request{Endpoint: knock.BulkIdentify}, false, err)
	d := Decision{Meaning: meaning}
	if meaning == Succeeded {
		return d
	}
	d.Reason = Explain(err)
	if meaning == KeyRejected {
		d.Step = WaitForSource
		return d
	}
	history.RetryFor = math.MaxInt64
	history.Spent = 0
	d.retry(history, err)
	return d
}

// retry sets the step after a transient failure.
func (d *Decision) retry(history History, err error) {
	if history.Outage {
		d.waitForSource(history)
		return
	}
	d.Step, d.Wait = Retry, backoff(history.Failures, history.Jitter)
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		d.Wait = max(d.Wait, answer.RetryAfter)
	}
	if history.Spent+d.Wait > history.RetryFor {
		d.Step, d.Wait = DeadLetter, 0
		d.Reason = fmt.Sprintf("retries ended after %v (spec.delivery.retryFor): %s", history.RetryFor, d.Reason)
	}
}

// waitForSource sets the step after a transient failure during an outage. An event that fails alone waits for the whole
// backoff, because then the waits, which count for it, are about as long as the time between the probes.
func (d *Decision) waitForSource(history History) {
	if !history.Alone {
		d.Step, d.Wait = WaitForSource, min(backoff(history.Failures, history.Jitter), maxOutageWait)
		return
	}
	d.Step, d.Wait = WaitForSource, min(backoff(history.Failures, 1), maxOutageWait)
	if limit := aloneFactor * history.RetryFor; history.Spent+d.Wait > limit {
		d.Step, d.Wait = DeadLetter, 0
		d.Reason = fmt.Sprintf("retries ended after %v (twice spec.delivery.retryFor), in which no other event failed and no call succeeded: %s",
			limit, d.Reason)
	}
}

func classify(request knock.Request, repeated bool, err error) (meaning Meaning, note string) {
	answer, answered := errors.AsType[*knock.Error](err)
	switch {
	case err == nil:
		return Succeeded, ""
	case !answered:
		return Transient, ""
	case answer.RejectsKey():
		return KeyRejected, ""
	case answer.ReusesIdempotencyKey():
		return Succeeded, "Knock has already run this workflow for the same idempotency key with other parameters"
	case answer.Temporary():
		return Transient, ""
	case repeated && request.Endpoint.RetryRule() == knock.RetryNotFoundIsSuccess && answer.Status == http.StatusNotFound:
		return Succeeded, "" // the earlier attempt has removed it
	default:
		return Permanent, ""
	}
}

// Explain returns the text of a call's error for the event log, with a hint on how to correct the cause if there is
// one.
func Explain(err error) string {
	if answer, ok := errors.AsType[*knock.Error](err); ok && answer.Hint() != "" {
		return fmt.Sprintf("%v; %s", err, answer.Hint())
	}
	return err.Error()
}

// String returns the meaning as the metrics name it.
func (m Meaning) String() string {
	return [...]string{"succeeded", "transient", "permanent", "refused"}[m]
}
