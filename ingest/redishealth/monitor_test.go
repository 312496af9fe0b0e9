// SPDX-License-Identifier: Apache-2.0

package redishealth_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/redishealth"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	lost  = "Redis is unavailable; senders get status 429 until it is available again"
	found = "Connected to Redis"
)

func TestMonitorLogsChangesOnly(t *testing.T) {
	failure := errors.New("connection refused")
	for name, tc := range map[string]struct {
		checks []error // the results of the health checks, in order
		logged []string
		latest report.RedisState
	}{
		"available from the start":      {[]error{nil, nil}, nil, report.RedisConnected},
		"unavailable from the start":    {[]error{failure, failure}, []string{lost}, report.RedisUnavailable},
		"available after a while":       {[]error{failure, nil, nil}, []string{lost, found}, report.RedisConnected},
		"unavailable for some time":     {[]error{nil, failure, failure, nil}, []string{lost, found}, report.RedisConnected},
		"unavailable for a second time": {[]error{nil, failure, nil, failure}, []string{lost, found, lost}, report.RedisUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var logged []string
				count := 0
				monitor := redishealth.NewMonitor(redishealth.Options{
					Connection: redishealth.NewConnection(func(context.Context) (rueidis.Client, error) { return nil, nil }),
					Check: func(context.Context, rueidis.Client) error {
						count++
						return tc.checks[count-1]
					},
					Log: funcr.NewJSON(func(line string) { logged = append(logged, message(t, line)) }, funcr.Options{}),
				})
				if got := monitor.Report().State; got != report.RedisConnecting {
					t.Errorf("before the first check: state %s", got)
				}
				returned := make(chan struct{})
				go func() {
					defer close(returned)
					monitor.Run(ctx)
				}()
				<-time.After(time.Duration(len(tc.checks)-1)*2*time.Second + time.Second)
				cancel()
				<-returned
				if diff := cmp.Diff(tc.logged, logged); diff != "" {
					t.Errorf("log (-want +got)\n%s", diff)
				}
				if got := monitor.Report().State; got != tc.latest || count != len(tc.checks) {
					t.Errorf("state %s after %d checks; want %s after %d", got, count, tc.latest, len(tc.checks))
				}
			})
		})
	}
}

func message(t *testing.T, line string) string {
	t.Helper()
	var parsed struct{ Msg string }
	if err := json.Unmarshal([]byte(line), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed.Msg
}
