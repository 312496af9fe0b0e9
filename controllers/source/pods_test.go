// SPDX-License-Identifier: Apache-2.0

package source

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// fetch asks a pod that responds with the handler.
func fetch(t *testing.T, handler http.HandlerFunc) (problem string, err error) {
	t.Helper()
	pod := httptest.NewServer(handler)
	t.Cleanup(pod.Close)
	address, err := url.Parse(pod.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := NewReportFetcher(&http.Transport{}, port)(t.Context(), host)
	if err != nil {
		return "", err
	}
	return fetched.Redis.Problem, nil
}

func TestTheManagerDoesNotFollowARedirectOfAPod(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the manager sent a request to another address")
	}))
	defer elsewhere.Close()
	_, err := fetch(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	if err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("%v; want an error with status 302", err)
	}
}

func TestTextsOfAReportAreShortAndPrintable(t *testing.T) {
	got, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"redis":{"problem":"a\u001b[31m\nb` + "\xff" + strings.Repeat("x", 5000) + `"}}`))
	})
	if err != nil || !strings.HasPrefix(got, "a [31m b") || len(got) > 1024 || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %.40q, %v", len(got), got, err)
	}
}
