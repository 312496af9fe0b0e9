// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// translate turns the API server's errors into problems.
func translate(errs field.ErrorList) []problem.Problem {
	problems := make([]problem.Problem, 0, len(errs))
	for _, err := range errs {
		path := strings.TrimPrefix(err.Field, "<nil>") // the text of a nil *field.Path
		problems = append(problems, problem.Problem{Field: path, Message: message(err)})
	}
	return problems
}

// message returns the API server's text, with the words of YAML and with advice for the most frequent mistakes.
func message(err *field.Error) string {
	detail := err.Detail
	if _, after, ok := strings.Cut(detail, "in body "); ok {
		detail = after // without the field, which the problem names
	}
	switch {
	case err.Type == field.ErrorTypeRequired && detail == "":
		return "required; add it"
	case err.Type == field.ErrorTypeNotSupported:
		return fmt.Sprintf("unsupported value %q; %s", err.BadValue, detail)
	case err.Type == field.ErrorTypeTypeInvalid:
		return wrongType(detail)
	case err.Type == field.ErrorTypeTooLong:
		return strings.TrimSuffix(detail, " bytes") + " characters"
	case err.Type == field.ErrorTypeDuplicate:
		return "given twice; remove one"
	case detail == "should be at least 1 chars long":
		return "must not be empty"
	default:
		return detail
	}
}

// mustBeType begins the message about a field of the wrong type.
const mustBeType = "must be of type "

// wrongType expects the detail `must be of type string: "boolean"`.
func wrongType(detail string) string {
	want, got, ok := strings.Cut(strings.TrimPrefix(detail, mustBeType), ": ")
	if !ok {
		return detail
	}
	got = strings.Trim(got, `"`)
	message := strings.NewReplacer("array", "list", "object", "mapping").Replace(mustBeType + want + ", not " + got)
	switch {
	case want == "string":
		message += "; put it in quotes"
	case got == "string" && want != "object" && want != "array":
		message += "; remove the quotes"
	}
	return message
}
