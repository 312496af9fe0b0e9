// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

func TestHeadersIncludeTheHeadersThatAnExpressionReads(t *testing.T) {
	for text, want := range map[string]string{
		"body.headers":                        "",
		"preprocess.headers":                  "",
		"'headers.a'":                         "",
		"headers.a":                           "a",
		"headers.a.length":                    "a",
		"headers.?a.orValue('')":              "a",
		"headers['a'] + headers['b']":         "ab",
		"has(headers.a) ? headers['b'] : 'x'": "ab",
		"coalesce(headers.?a, headers[?'b'])": "ab",
		"coalesce(headers.b, body.x)":         "b",
		"body.x.map(x, headers.a)":            "a",
		"headers":                             "abc",
		"headers[body.x]":                     "abc",
		"size(headers)":                       "abc",
		"'a' in headers":                      "abc",
		"headers.a + string(size(headers))":   "abc",
		"headers.exists(name, name == 'a')":   "abc",
	} {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			t.Fatal(err)
		}
		var headers expression.Headers
		headers.Add(x)
		got := ""
		for _, name := range []string{"a", "b", "c"} {
			if headers.Include(name) {
				got += name
			}
		}
		if got != want {
			t.Errorf("%s reads the headers %q, want %q", text, got, want)
		}
	}
}
