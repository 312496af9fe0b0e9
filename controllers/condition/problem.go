// SPDX-License-Identifier: Apache-2.0

// Package condition builds the conditions of a resource, and defines the errors that become conditions. Both controllers and package
// apply use it. It must not read the cluster or the clock.
package condition

import "errors"

// Problem is an error that a retry does not resolve: either a user changes something, or an object that the controller watches appears.
// The controller reports it in a condition and does not retry.
type Problem struct {
	// Type is the type of the condition that reports the problem, such as EndpointReady.
	Type string
	// Reason is one of the reasons that the API defines.
	Reason string
	// Message says what is wrong, where, and how to fix it.
	Message string
	// Stalled reports whether a user has to change something. Otherwise the problem passes when the awaited object appears.
	Stalled bool
}

// Error returns the type and the message.
func (p *Problem) Error() string { return p.Type + ": " + p.Message }

// Problems separates an error, which may join others, into the problems and the remaining errors. Only the remaining errors are worth
// a retry.
func Problems(err error) (problems []*Problem, retryable error) {
	if err == nil {
		return nil, nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, branch := range joined.Unwrap() {
			found, other := Problems(branch)
			problems = append(problems, found...)
			rest = append(rest, other)
		}
		return problems, errors.Join(rest...)
	}
	if problem, ok := errors.AsType[*Problem](err); ok {
		return []*Problem{problem}, nil
	}
	return nil, err
}
