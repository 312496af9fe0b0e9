// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// The test sends samples to the fake and validates them against Knock's API description. Both must accept and reject
// the same samples, and the fake's responses must be as described. The description is testdata/openapi.yml, or the file
// that the environment variable DOORBELL_KNOCK_OPENAPI names.
func TestTheFakeAgreesWithTheDescription(t *testing.T) {
	document := description(t)
	for _, sample := range samples() {
		t.Run(sample.method+" "+sample.path, func(t *testing.T) {
			operation := operation(t, document, sample.method, sample.path)
			for _, body := range slices.Concat(sample.valid, sample.invalid) {
				fake := knocktest.New(t, knocktest.WithAudiences("vip"))
				for _, id := range []string{"u1", "u2"} {
					send(t, fake, http.MethodPut, "/v1/users/"+id, `{}`)
				}
				status, answer := send(t, fake, sample.method, sample.path, body)
				valid := slices.Contains(sample.valid, body)
				if (status < http.StatusMultipleChoices) != valid {
					t.Errorf("the fake responds with %d to %s: %s", status, body, answer)
				}
				if err := validate(operation.RequestBody.Value.Content, body); (err == nil) != valid {
					t.Errorf("by the description, %s has the error: %v", body, err)
				}
				checkAnswer(t, operation, status, answer)
			}
		})
	}
}

func TestBulkOperationsMatchTheDescription(t *testing.T) {
	fake := knocktest.New(t, knocktest.WithFailedRows("u2"))
	polled := operation(t, description(t), http.MethodGet, "/v1/bulk_operations/b1")
	_, answer := send(t, fake, http.MethodPost, "/v1/users/bulk/identify", `{"users":[{"id":"u1"},{"id":"u2"}]}`)
	for range 3 {
		var started struct{ ID string }
		if err := json.Unmarshal([]byte(answer), &started); err != nil {
			t.Fatal(err)
		}
		var status int
		status, answer = send(t, fake, http.MethodGet, "/v1/bulk_operations/"+started.ID, "")
		checkAnswer(t, polled, status, answer)
	}
}

// checkAnswer fails the test if a successful response does not match the API description.
func checkAnswer(t *testing.T, operation *openapi3.Operation, status int, answer string) {
	t.Helper()
	if status >= http.StatusMultipleChoices {
		return
	}
	described := operation.Responses.Value(strconv.Itoa(status))
	if described == nil {
		t.Errorf("the description has no response with the status %d", status)
	} else if content := described.Value.Content; content == nil {
		if answer != "" {
			t.Errorf("the response %d has a body, but the description has none: %s", status, answer)
		}
	} else if err := validate(content, answer); err != nil {
		t.Errorf("the response %s: %v", answer, err)
	}
}

func validate(content openapi3.Content, body string) error {
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		return err
	}
	uuid := openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562)
	return content.Get("application/json").Schema.Value.VisitJSON(
		value, openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidator("uuid", uuid))
}

// description loads the API description. It turns each oneOf into an anyOf, because Knock's alternatives overlap.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	file := "testdata/openapi.yml"
	if named := os.Getenv("DOORBELL_KNOCK_OPENAPI"); named != "" {
		file = named
	}
	document, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	done := map[*openapi3.Schema]bool{}
	for _, path := range document.Paths.Map() {
		for _, operation := range path.Operations() {
			if operation.RequestBody != nil {
				relax(operation.RequestBody.Value.Content, done)
			}
			for _, response := range operation.Responses.Map() {
				relax(response.Value.Content, done)
			}
		}
	}
	return document
}

func relax(content openapi3.Content, done map[*openapi3.Schema]bool) {
	if described := content.Get("application/json"); described != nil {
		relaxSchema(described.Schema, done)
	}
}

func relaxSchema(ref *openapi3.SchemaRef, done map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || done[ref.Value] {
		return
	}
	schema := ref.Value
	done[schema] = true
	schema.AnyOf = append(schema.AnyOf, schema.OneOf...)
	schema.OneOf = nil
	schema.AnyOf = slices.DeleteFunc(schema.AnyOf, func(alternative *openapi3.SchemaRef) bool {
		onlyNull := alternative.Ref == "" && alternative.Value.Nullable && alternative.Value.Type == nil &&
			alternative.Value.Properties == nil && alternative.Value.AnyOf == nil && alternative.Value.OneOf == nil
		schema.Nullable = schema.Nullable || onlyNull
		return onlyNull
	})
	if len(schema.AnyOf) > 0 {
		schema.Type = nil // Knock's description says object even if an alternative is a boolean; each alternative has its own type
	}
	for _, child := range slices.Concat(schema.AnyOf, schema.AllOf, []*openapi3.SchemaRef{schema.Items, schema.AdditionalProperties.Schema}) {
		relaxSchema(child, done)
	}
	for _, child := range schema.Properties {
		relaxSchema(child, done)
	}
}

// operation returns the operation for a path. A pattern with a fixed segment takes precedence over one with a
// placeholder.
func operation(t *testing.T, document *openapi3.T, method, path string) *openapi3.Operation {
	t.Helper()
	for _, pattern := range document.Paths.InMatchingOrder() {
		if !fits(pattern, path) {
			continue
		}
		if found := document.Paths.Value(pattern).GetOperation(method); found != nil {
			return found
		}
	}
	t.Fatalf("the description does not have %s %s", method, path)
	return nil
}

func fits(pattern, path string) bool {
	wanted, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(wanted, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") })
}
