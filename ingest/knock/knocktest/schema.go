// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The JSON types.
const (
	text    = "string"
	boolean = "boolean"
	object  = "object"
	array   = "array"
)

// The formats of strings. The format userID follows Knock's rule for the IDs of users.
const (
	dateTime = "date-time"
	uuid     = "uuid"
	userID   = "userID"
)

// maxProperties is the limit for the custom properties of a recipient, in bytes of JSON.
const maxProperties = 256 << 10

// schema is a small subset of OpenAPI. It has only the features that Knock's API description uses for Doorbell's calls,
// and the limits that Knock states only in its documentation.
type schema struct {
	kind     string // a JSON type, or "" for any value
	nullable bool
	format   string
	enum     []string
	fields   map[string]schema
	required []string
	absent   string  // a field that must not be present
	others   *schema // the schema of all other fields; nil for any value
	bounded  bool    // apply maxProperties to all other fields together
	items    *schema
	min, max int // number of items; a max of 0 means no limit
	anyOf    []schema
}

// problem describes an invalid field, in the format of Knock's errors.
type problem struct {
	Field   string  `json:"field"`
	Message string  `json:"message"`
	Type    *string `json:"type"`
}

func wrong(field, format string, args ...any) []problem {
	return []problem{{Field: field, Message: fmt.Sprintf(format, args...)}}
}

// check returns the problems of a decoded value. It is nil if the value is valid.
func (s *schema) check(field string, value any) []problem {
	switch {
	case value == nil && s.nullable:
		return nil
	case s.anyOf != nil:
		return s.checkAny(field, value)
	case s.kind == "":
		return nil
	}
	switch value := value.(type) {
	case string:
		if s.kind == text {
			return s.checkText(field, value)
		}
	case bool:
		if s.kind == boolean {
			return nil
		}
	case []any:
		if s.kind == array {
			return s.checkItems(field, value)
		}
	case map[string]any:
		if s.kind == object {
			return s.checkFields(field, value)
		}
	}
	return wrong(field, "must be of type %s", s.kind)
}

func (s *schema) checkAny(field string, value any) []problem {
	var reasons []string
	for _, alternative := range s.anyOf {
		problems := alternative.check(field, value)
		if len(problems) == 0 {
			return nil
		}
		reasons = append(reasons, problems[0].Field+" "+problems[0].Message)
	}
	return wrong(field, "matches none of the alternatives: %s", strings.Join(reasons, ", or "))
}

func (s *schema) checkText(field, value string) []problem {
	switch {
	case s.enum != nil && !slices.Contains(s.enum, value):
		return wrong(field, "must be one of %s", strings.Join(s.enum, ", "))
	case s.format == dateTime:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return wrong(field, "must be a date-time")
		}
	case s.format == uuid:
		if !regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(value) {
			return wrong(field, "must be a UUID")
		}
	case s.format == userID:
		if reason := idProblem(value); reason != "" {
			return wrong(field, "%s", reason)
		}
	}
	return nil
}

// idProblem says why an ID breaks Knock's rule for the IDs of users. It returns "" if the ID is valid.
func idProblem(id string) string {
	switch {
	case id == "":
		return "must not be empty"
	case utf8.RuneCountInString(id) > 256:
		return "must have at most 256 characters"
	case strings.ContainsAny(id, "/#"):
		return `must not contain "/" or "#"`
	default:
		return ""
	}
}

func (s *schema) checkItems(field string, values []any) []problem {
	if len(values) < s.min || s.max > 0 && len(values) > s.max {
		return wrong(field, "must have %[2]d to %[3]d items, not %[1]d", len(values), s.min, s.max)
	}
	var problems []problem
	for index, value := range values {
		problems = append(problems, s.items.check(fmt.Sprintf("%s[%d]", field, index), value)...)
	}
	return problems
}

func (s *schema) checkFields(field string, values map[string]any) []problem {
	prefix := strings.TrimPrefix(field+".", ".")
	var problems []problem
	for _, name := range s.required {
		if _, ok := values[name]; !ok {
			problems = append(problems, wrong(prefix+name, "is required")...)
		}
	}
	others := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		known, ok := s.fields[name]
		switch {
		case ok:
			problems = append(problems, known.check(prefix+name, values[name])...)
		case name == s.absent:
			problems = append(problems, wrong(prefix+name, "must not be present")...)
		case s.others != nil:
			problems = append(problems, s.others.check(prefix+name, values[name])...)
		default:
			others[name] = values[name]
		}
	}
	if s.bounded && size(others) > maxProperties {
		problems = append(problems, wrong(prefix+"properties", "must have at most 256 kB")...)
	}
	return problems
}

func size(values map[string]any) int { return len(encode(values)) }
