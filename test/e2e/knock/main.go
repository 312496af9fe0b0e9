// SPDX-License-Identifier: Apache-2.0

// Command knock runs the fake Knock of package knocktest in a pod, on port 8080. On port 8081 it serves a control API: a test reads
// the calls there, sets the response to the next calls, and changes the valid API key.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "knock:", err)
		os.Exit(1)
	}
}

func run() error {
	fake := knocktest.Handler(knocktest.WithAPIKey("sk_test_e2e"), knocktest.WithWorkflows("order-completed", "edited", "counted"))
	control := http.NewServeMux()
	control.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(fake.Calls())
	})
	control.HandleFunc("POST /answer", func(_ http.ResponseWriter, r *http.Request) { // ?status=0: the fake answers as usual
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		fake.Respond(func(knocktest.Call) *knocktest.Answer {
			if status == 0 {
				return nil
			}
			return &knocktest.Answer{Status: status, Body: `{"code":"set_by_test","message":"the test set this response"}`}
		})
	})
	control.HandleFunc("POST /key", func(_ http.ResponseWriter, r *http.Request) { fake.SetAPIKey(r.URL.Query().Get("key")) })
	var group errgroup.Group
	group.Go(func() error { return serve(":8080", fake) })
	group.Go(func() error { return serve(":8081", control) })
	return group.Wait()
}

func serve(address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}
