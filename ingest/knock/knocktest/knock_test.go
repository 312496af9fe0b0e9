// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// send makes a call as a client that checks nothing. Headers come as name, value, …
func send(t *testing.T, fake *knocktest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	response := exchange(t, fake, method, path, body, header...)
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func exchange(t *testing.T, fake *knocktest.Server, method, path, body string, header ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, fake.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+knocktest.APIKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for index := 0; index+1 < len(header); index += 2 {
		request.Header.Set(header[index], header[index+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}
