// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// TestFirstMistakeDecidesTheStatus starts with a request that has every mistake, and corrects one in each step.
func TestFirstMistakeDecidesTheStatus(t *testing.T) {
	const limit = 64
	large := strings.Repeat(" ", limit+1)
	coded := func(name string, pairs ...string) http.Header {
		return header(append(pairs, "Content-Encoding", name)...)
	}
	type step struct {
		name string
		sent sent
		want int
	}
	for name, tc := range map[string]struct {
		verification document.Verification
		steps        []step
	}{
		"a secret in a header": {
			document.Verification{Scheme: document.SchemeHeader, Header: "x-key", Enforce: true},
			[]step{
				{"path", sent{method: "GET", path: "/x", header: coded("br"), body: large}, 404},
				{"method", sent{method: "GET", header: coded("br"), body: large}, 405},
				{"secret", sent{header: coded("br"), body: large}, 401},
				{"encoding", sent{header: coded("br", "X-Key", "secret"), body: large}, 415},
				{"size", sent{header: coded("gzip", "X-Key", "secret"), body: large}, 413},
				{"decompressed size", sent{header: coded("gzip", "X-Key", "secret"), body: zip(large)}, 413},
				{"body", sent{header: coded("gzip", "X-Key", "secret"), body: zip("x")}, 400},
				{"inbox", sent{header: coded("gzip", "X-Key", "secret"), body: zip(one)}, 429},
			},
		},
		"a signature": {
			document.Verification{Scheme: document.SchemeHMAC, Header: "x-key", Encoding: "Hex", Enforce: true},
			[]step{
				{"path", sent{method: "GET", path: "/x", header: coded("br"), body: large}, 404},
				{"method", sent{method: "GET", header: coded("br"), body: large}, 405},
				{"encoding", sent{header: coded("br"), body: large}, 415},
				{"size", sent{header: coded("gzip"), body: large}, 413},
				{"size in chunks", sent{header: coded("gzip"), body: large, chunked: true}, 413},
				{"signature", sent{header: coded("gzip"), body: zip(large)}, 401},
				{"decompressed size", sent{header: coded("gzip", "X-Key", sign(zip(large))), body: zip(large)}, 413},
				{"body", sent{header: coded("gzip", "X-Key", sign(zip("x"))), body: zip("x")}, 400},
				{"inbox", sent{header: coded("gzip", "X-Key", sign(zip(one))), body: zip(one)}, 429},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := receiver.New(receiver.Options{MaxBody: limit})
			address := serve(t, r)
			got, _ := send(t, address, tc.steps[0].sent)
			check(t, rejected(503, "starting", "starting: the configuration is not loaded yet"), got)
			if err := r.Ready(); err == nil || err.Error() != "starting: the configuration is not loaded yet" {
				t.Errorf("before the configuration is loaded Ready returns %v", err)
			}

			endpoint := new(fakeInbox).endpoint(acceptFails(inbox.ErrUnavailable))
			endpoint.Verification, endpoint.Secrets = &tc.verification, []string{"secret"}
			r.SetEndpoints([]*receiver.Endpoint{endpoint})
			for _, s := range tc.steps {
				if got, _ := send(t, address, s.sent); got.Status != s.want {
					t.Errorf("%s: got %v, want %d", s.name, got, s.want)
				}
			}

			r.Stop()
			got, _ = send(t, address, tc.steps[0].sent)
			check(t, rejected(503, "stopping", "stopping: send the request again on a new connection"), got)
		})
	}
}
