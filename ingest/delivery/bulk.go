// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// bulkAfter is the expected wait for the limit of single identifies beyond which identifies are made in bulk.
const bulkAfter = time.Second

// BulkCaller is a Caller that can also make the calls of bulk operations. A pool whose Caller is no BulkCaller makes no
// bulk calls.
type BulkCaller interface {
	Caller
	DoBulk(ctx context.Context, request knock.Request) (knock.BulkOperation, knock.Response, error)
}

// prefersBulk reports whether an identify that had to wait for its limit now would be made sooner in bulk.
func (p *Pool) prefersBulk(settings *activeSettings) bool {
	if _, ok := settings.Caller.(BulkCaller); !ok {
		return false
	}
	alone := settings.limits.Wait(knock.IdentifyUser)
	if alone <= bulkAfter {
		return false
	}
	// A batch that is not full yet already waits for the next bulk call, so its rows cost no further call.
	inBulk := settings.limits.Wait(knock.BulkIdentify) + time.Duration(p.bulk.FullBatches()-1)*p.bulkInterval()
	return inBulk <= alone
}

// bulkInterval returns the time between two bulk calls by Knock's limit.
func (p *Pool) bulkInterval() time.Duration {
	rate := knock.BulkIdentify.Rate()
	if configured := p.settings.Load().Delivery.RateLimits[string(knock.BulkIdentify)]; configured > 0 {
		rate = configured
	}
	return time.Second / time.Duration(rate)
}

// callBulk implements bulk.Call. A bulk call needs a slot like any other call. While the source is paused or suspended,
// callBulk starts no operation, but it still reads how operations end.
func (p *Pool) callBulk(
	ctx context.Context, endpoint knock.Endpoint, receivedAt time.Time, prepare func() (knock.Request, time.Duration, bool),
) (operation knock.BulkOperation, response knock.Response, err error) {
	settings := p.settings.Load()
	queue := settings.limits.Queue(endpoint)
	if !p.awaitTurn(ctx, nil, settings, queue, receivedAt) {
		return knock.BulkOperation{}, knock.Response{}, bulk.ErrNotCalled
	}
	defer func() { <-settings.slots }()
	latest := p.settings.Load()
	caller, ok := latest.Caller.(BulkCaller)
	if !ok || endpoint == knock.BulkIdentify && p.isHeld(latest) {
		return knock.BulkOperation{}, knock.Response{}, bulk.ErrNotCalled
	}
	request, timeout, ok := prepare()
	if !ok {
		return knock.BulkOperation{}, knock.Response{}, bulk.ErrNotCalled
	}
	limited, cancel := context.WithTimeout(ctx, min(latest.Delivery.Timeout, timeout))
	defer cancel()
	at := p.config.Now()
	defer func() {
		if cause := recover(); cause != nil { // costs the events of this call only
			err = fmt.Errorf("internal error; please report it: %v", cause)
		}
	}()
	operation, response, err = caller.DoBulk(limited, request)
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		response = knock.Response{Status: answer.Status, Excerpt: answer.Excerpt}
		if answer.Status == http.StatusTooManyRequests {
			queue.Throttle(answer.RetryAfter)
		}
	}
	p.recordBulk(endpoint, err, p.config.Now().Sub(at))
	return operation, response, err
}

// isHeld reports whether the source is paused or suspended.
func (p *Pool) isHeld(settings *activeSettings) bool {
	cause, _ := p.pause.Current()
	return settings.Delivery.Suspend || cause != health.None
}

// recordBulk records the answer to a call. Polls say little about whether Knock executes calls, so they neither begin nor
// end a pause.
func (p *Pool) recordBulk(endpoint knock.Endpoint, err error, took time.Duration) {
	d := policy.DecideBulk(policy.History{}, err)
	p.config.Metrics.observeCall(endpoint, d.Meaning.String(), took)
	if endpoint != knock.BulkIdentify {
		return
	}
	_, answered := errors.AsType[*knock.Error](err)
	p.health.Record(err, p.config.Now())
	before, after, _ := p.pause.Record(health.Answer{Meaning: d.Meaning, Answered: answered || err == nil, Reason: d.Reason})
	p.reportPause(before, after, err)
}
