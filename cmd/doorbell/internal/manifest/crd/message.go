// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// translate turns the API server's errors into problems. If a field has the wrong type, it keeps only that error.
func translate(errs field.ErrorList) []problem.Problem {
	mistyped := map[string]bool{}
	for _, err := range errs {
		mistyped[err.Field] = mistyped[err.Field] || err.Type == field.ErrorTypeTypeInvalid
	}
	var problems []problem.Problem
	for _, err := range errs {
		if !mistyped[err.Field] || err.Type == field.ErrorTypeTypeInvalid {
			path := strings.TrimPrefix(err.Field, "<nil>") // the text of a nil *field.Path
			problems = append(problems, problem.Problem{Field: path, Message: message(err)})
		}
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

// types finds both types in `must be of type string: "boolean"`.
var types = regexp.MustCompile(`must be of type (\w+): "(\w+)"$`)

func wrongType(detail string) string {
	match := types.FindStringSubmatch(detail)
	if match == nil {
		return detail
	}
	want, got := match[1], match[2]
	message := strings.NewReplacer("array", "list", "object", "mapping").Replace(fmt.Sprintf("must be of type %s, not %s", want, got))
	switch {
	case want == "string":
		message += "; put it in quotes"
	case got == "string" && want != "object" && want != "array":
		message += "; remove the quotes"
	}
	return message
}
