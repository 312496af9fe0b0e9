// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

const source = "production/rudderstack"

// clock is a wall clock that tests move.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.seconds.Load(), 0) }

// request handles one request without a socket. Its sender has the address 192.0.2.1.
func request(t *testing.T, r *receiver.Receiver, s sent) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), or(s.method, http.MethodPost), or(s.path, path), strings.NewReader(s.body))
	if s.header != nil {
		request.Header = s.header
	}
	r.ServeHTTP(httptest.NewRecorder(), request)
}

func TestRejectionsAreReadableNewestFirst(t *testing.T) {
	at := new(clock)
	r := started(receiver.Options{Now: at.now, MaxBody: 20}, new(fakeInbox).endpoint(func(e *receiver.Endpoint) {
		e.Verification, e.Secrets = &document.Verification{Scheme: document.SchemeHeader, Header: "x-key", Enforce: true}, []string{"secret"}
	}))
	for i, s := range []sent{
		{path: path + "x", body: one},
		{method: "GET"},
		{body: one, header: header("X-Key", "wrong", "X-Forwarded-For", "203.0.113.1, 198.51.100.7")},
		{body: "x" + one, header: header("X-Key", "secret", "X-Forwarded-For", token)},
		{body: "  " + one, header: header("X-Key", "secret")},
		{body: one, header: header("X-Key", "secret")}, // accepted
		{path: "/production/other/" + token, body: one},
		{path: "/" + token, body: one},
	} {
		at.seconds.Store(int64(i))
		request(t, r, s)
	}
	type rejection struct {
		Second        int64
		Status        int
		Code, Address string
		Reason        string
		Size          int64
	}
	for name, tc := range map[string]struct {
		source string
		limit  int
		want   []rejection
	}{
		"of a source": {source, 10, []rejection{
			{4, 413, "body_too_large", "192.0.2.1", "the body is larger than 20 bytes", 21},
			{3, 400, "invalid_body", "192.0.2.1", "the body is not JSON at byte 0: unexpected 'x', expected a value", 20},
			{2, 401, "unauthorized", "198.51.100.7 via 192.0.2.1", "the sender verification failed", 19},
			{1, 405, "method_not_allowed", "192.0.2.1", "use one of the methods POST, PUT, PATCH", 0},
			{0, 404, "not_found", "192.0.2.1", "the URL names this source, but its token is not valid", 19},
		}},
		"the latest of a source": {source, 1, []rejection{
			{4, 413, "body_too_large", "192.0.2.1", "the body is larger than 20 bytes", 21},
		}},
		"of URLs that name no source": {"", 10, []rejection{
			{7, 404, "not_found", "192.0.2.1", "the URL does not have the form /NAMESPACE/NAME/TOKEN", 19},
			{6, 404, "not_found", "192.0.2.1", "the URL names no source", 19},
		}},
		"of an unknown source": {"production/other", 10, nil},
		"none":                 {source, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []rejection
			for _, r := range r.Rejections(tc.source, tc.limit) {
				got = append(got, rejection{r.Time.Unix(), r.Status, r.Code, r.Address, r.Reason, r.Size})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTheLatestThousandRejectionsOfEachSourceAreKept(t *testing.T) {
	at := new(clock)
	r := started(receiver.Options{Now: at.now}, new(fakeInbox).endpoint())
	for i := range 2500 {
		at.seconds.Store(int64(i))
		request(t, r, sent{method: "GET"})
	}
	r.SetEndpoints([]*receiver.Endpoint{new(fakeInbox).endpoint()})
	got := r.Rejections(source, 5000)
	if len(got) != 1000 || got[0].Time.Unix() != 2499 || got[999].Time.Unix() != 1500 {
		t.Errorf("%d rejections", len(got))
	}
	r.SetEndpoints(nil)
	if got := r.Rejections(source, 5000); len(got) > 0 {
		t.Errorf("%d rejections of a source that was removed", len(got))
	}
}

func TestRejectionsThatLoseEventsAreLoggedOnceAMinuteForEachSourceAndCode(t *testing.T) {
	at, log := new(clock), new(lines)
	other := new(fakeInbox).endpoint(func(e *receiver.Endpoint) { e.Name = "other" })
	r := receiver.New(receiver.Options{Now: at.now, Log: log.logger()})
	r.SetEndpoints([]*receiver.Endpoint{new(fakeInbox).endpoint(acceptFails(context.Canceled)), other})
	for second := range 61 {
		at.seconds.Store(int64(second))
		request(t, r, sent{method: "GET"})
		request(t, r, sent{path: "/production/other/" + token, body: "secret-body"})
		request(t, r, sent{path: "/nowhere/" + token, body: one})
		request(t, r, sent{body: one}) // status 429: the sender retries
	}
	warning := func(source string, status int, code, reason string, size, earlier int) string {
		return fmt.Sprintf("%s %d %s: %s; from 192.0.2.1, %d bytes, %d before", source, status, code, reason, size, earlier)
	}
	want := []string{
		warning(source, 405, "method_not_allowed", "use one of the methods POST, PUT, PATCH", 0, 0),
		warning("production/other", 400, "invalid_body", "the body is not JSON at byte 0: unexpected 's', expected a value", 11, 0),
		warning("", 404, "not_found", "the URL does not have the form /NAMESPACE/NAME/TOKEN", 19, 0),
		warning(source, 405, "method_not_allowed", "use one of the methods POST, PUT, PATCH", 0, 59),
		warning("production/other", 400, "invalid_body", "the body is not JSON at byte 0: unexpected 's', expected a value", 11, 59),
		warning("", 404, "not_found", "the URL does not have the form /NAMESPACE/NAME/TOKEN", 19, 59),
	}
	var got []string
	log.read(t) // checks that no line contains the token
	for _, text := range log.all {
		var w struct {
			Level                         *int
			Source, Code, Reason, Address string
			Status, Size                  int
			Earlier                       int `json:"rejectionsSinceLastWarning"`
		}
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		if w.Level != nil && *w.Level == 0 {
			got = append(got, strings.Replace(warning(w.Source, w.Status, w.Code, w.Reason, w.Size, w.Earlier), "192.0.2.1", w.Address, 1))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLogNamesRedisAndTheTimeLimitWhenRedisDoesNotReply(t *testing.T) {
	log := new(lines)
	r := started(receiver.Options{Log: log.logger(), AcceptTimeout: time.Millisecond}, new(fakeInbox).endpoint(newGate().hold))
	request(t, r, sent{body: one})
	log.read(t)
	if want := `"error":"no reply from Redis within 1ms"`; len(log.all) == 0 || !strings.Contains(log.all[0], want) {
		t.Errorf("logged %s, want %s", log.all, want)
	}
}
