// SPDX-License-Identifier: Apache-2.0

// Package library adds functions to CEL that expressions on events need: coalesce, and arithmetic that mixes integers
// and decimal numbers. Package expression adds it to the environment of every expression. It must never depend on how
// an event is stored.
package library

import (
	"errors"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// The beginnings of two error messages of CEL. The name or the index follows. The messages are the only way to
// recognize these errors, because CEL exports no types for them.
const (
	NoSuchKey   = "no such key: "
	OutOfBounds = "index out of bounds: "
)

// IsAbsent reports whether a value is an error because the event lacks a member or an element.
func IsAbsent(v ref.Val) bool {
	err, ok := v.(*types.Err)
	if !ok {
		return false
	}
	reason := err.String()
	return errors.Is(err.Unwrap(), ErrNoValue) || strings.HasPrefix(reason, NoSuchKey) || strings.HasPrefix(reason, OutOfBounds)
}

// Unwrap returns the value inside an optional, and every other value unchanged.
func Unwrap(v ref.Val) ref.Val {
	if optional, ok := v.(*types.Optional); ok && optional.HasValue() {
		return optional.GetValue()
	}
	return v
}
