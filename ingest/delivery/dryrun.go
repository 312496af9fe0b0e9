// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// DryRun is a Caller that sends nothing and reports success for every call.
type DryRun struct{}

// Do implements Caller.
func (DryRun) Do(context.Context, knock.Request) (knock.Response, error) {
	return knock.Response{Status: http.StatusOK, Excerpt: "dry run: the source has no API key, so nothing was sent"}, nil
}
