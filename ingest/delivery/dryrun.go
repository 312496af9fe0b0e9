// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// DryRun answers every call as Knock would when all is well, and calls nobody.
type DryRun struct{}

// Do implements Caller.
func (DryRun) Do(context.Context, knock.Request) (knock.Response, error) {
	return knock.Response{Status: http.StatusOK, Excerpt: "dry run: no API key, nothing was sent"}, nil
}
