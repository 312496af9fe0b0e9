// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// refusal is an answer of 400 and above, in Knock's shape.
type refusal struct {
	status  int
	header  map[string]string
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Errors  []problem `json:"errors,omitempty"`
}

func notFound(message string) *refusal {
	return &refusal{status: http.StatusNotFound, Code: "resource_missing", Message: message}
}

func invalid(problems []problem) *refusal {
	return &refusal{
		status: http.StatusUnprocessableEntity, Code: "invalid_params", Message: "the parameters are invalid", Errors: problems,
	}
}

func malformed(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, Code: "invalid_request", Message: message}
}

// answer writes the refusal as Knock does.
func (r *refusal) answer() *Answer {
	kind := "invalid_request_error"
	if r.status == http.StatusUnauthorized {
		kind = "authentication_error"
	}
	type plain refusal // without methods
	return &Answer{Status: r.status, Header: r.header, Body: encode(struct {
		*plain
		Status int    `json:"status"`
		Type   string `json:"type"`
	}{(*plain)(r), r.status, kind})}
}

func encode(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("knocktest: %v", err)) // it holds only what came from JSON
	}
	return string(encoded)
}
