// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/doorbell-dev/doorbell/ingest/nearest"
)

// Finding is one thing wrong with an object.
type Finding struct {
	// Path of the field, such as spec.data[a.b] or spec.list[0].name; empty for the object as a whole.
	Path string
	// Message says what is wrong and how to fix it.
	Message string
	// Warning marks what an API server would take.
	Warning bool
}

// sorted also drops the warnings about fields that have errors.
func sorted(findings []Finding) []Finding {
	wrong := map[string]bool{}
	for _, f := range findings {
		wrong[f.Path] = wrong[f.Path] || !f.Warning
	}
	findings = slices.DeleteFunc(findings, func(f Finding) bool { return f.Warning && wrong[f.Path] })
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(findings)
}

func unknownField(path string, known []string) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	slices.Sort(known)
	switch meant := nearest.Word(name, known); {
	case meant != "":
		return fmt.Sprintf("unknown field; did you mean %s?", meant)
	case len(known) == 0:
		return "unknown field; remove it"
	default:
		return "unknown field; remove it, or use one of " + strings.Join(known, ", ")
	}
}

// explain turns the API server's errors into findings. Where the type is wrong, no more is said.
func explain(errs field.ErrorList) []Finding {
	mistyped := map[string]bool{}
	for _, err := range errs {
		mistyped[err.Field] = mistyped[err.Field] || err.Type == field.ErrorTypeTypeInvalid
	}
	findings := make([]Finding, 0, len(errs))
	for _, err := range errs {
		if !mistyped[err.Field] || err.Type == field.ErrorTypeTypeInvalid {
			findings = append(findings, Finding{Path: pathOf(err), Message: message(err)})
		}
	}
	return findings
}

func pathOf(err *field.Error) string {
	if err.Field == "<nil>" {
		return "" // how a nil *field.Path prints
	}
	return err.Field
}

func message(err *field.Error) string {
	switch err.Type {
	case field.ErrorTypeRequired:
		return required(err)
	case field.ErrorTypeNotSupported:
		return notSupported(err)
	case field.ErrorTypeTypeInvalid:
		return wrongType(err.Detail)
	case field.ErrorTypeTooLong, field.ErrorTypeTooMany:
		return strings.TrimSuffix(withoutPath(err.Detail), " bytes") + lengthUnit(err)
	case field.ErrorTypeDuplicate:
		return "given twice" + found(err.BadValue) + "; keep one"
	default:
		return plain(withoutPath(err.Detail)) + found(err.BadValue)
	}
}

func required(err *field.Error) string {
	if detail := withoutPath(err.Detail); detail != "" && !strings.HasPrefix(detail, "name or generateName") {
		return detail
	}
	return "missing; add it"
}

func lengthUnit(err *field.Error) string {
	if err.Type == field.ErrorTypeTooLong {
		return " characters; shorten it"
	}
	return "; take some out"
}

// listed finds the values in "supported values: "a", "b"".
var listed = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

func notSupported(err *field.Error) string {
	var values []string
	for _, match := range listed.FindAllStringSubmatch(err.Detail, -1) {
		values = append(values, match[1])
	}
	if meant := nearest.Word(fmt.Sprint(err.BadValue), values); meant != "" {
		return fmt.Sprintf("not one of %s%s; did you mean %s?", strings.Join(values, ", "), found(err.BadValue), meant)
	}
	return fmt.Sprintf("must be one of %s%s", strings.Join(values, ", "), found(err.BadValue))
}

// types finds both types in "spec.a in body must be of type string: "boolean"".
var types = regexp.MustCompile(`must be of type (\w+): "(\w+)"$`)

func wrongType(detail string) string {
	match := types.FindStringSubmatch(detail)
	if match == nil {
		return withoutPath(detail)
	}
	want, got := match[1], match[2]
	message := fmt.Sprintf("must be %s, not %s", article(want), article(got))
	switch {
	case want == "string" && (got == "object" || got == "array"):
		return message + "; write it as one string, in quotes"
	case want == "string":
		return message + "; put it in quotes"
	case got == "string" && want != "object" && want != "array":
		return message + "; take the quotes off"
	}
	return message
}

func article(kind string) string {
	switch kind {
	case "null":
		return "empty"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "integer":
		return "an integer"
	default:
		return "a " + kind
	}
}

// plain replaces the validator's odder phrases.
func plain(detail string) string {
	if detail == "should be at least 1 chars long" {
		return "must not be empty"
	}
	return detail
}

// withoutPath takes "spec.a in body " off the beginning, since the path is named already, and regular expressions off
// the end.
func withoutPath(detail string) string {
	if at := strings.Index(detail, " (e.g. "); at >= 0 && strings.Contains(detail, "regex used for validation") {
		detail = detail[:at]
	}
	if _, rest, ok := strings.Cut(detail, " in body "); ok {
		return rest
	}
	return strings.TrimPrefix(detail, "in body ")
}

// shown is how much of a value a message shows, in bytes.
const shown = 80

// found shows a scalar value; a mapping or a list says nothing that its place does not.
func found(value any) string {
	switch value := value.(type) {
	case string:
		if value == "" || len(value) > shown {
			return ""
		}
		return fmt.Sprintf(" (found %q)", value)
	case int, int64, float64, bool:
		return fmt.Sprintf(" (found %v)", value)
	default:
		return ""
	}
}
