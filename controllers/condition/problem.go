// SPDX-License-Identifier: Apache-2.0

// Package condition turns what was found out about a resource into its conditions. It is pure.
package condition

import "errors"

// Problem is what keeps a resource from being ready and what no retry mends: an edit does, or a watched object that appears.
type Problem struct {
	// Type of the condition that tells it, such as EndpointReady.
	Type string
	// Reason is one of the API's constants.
	Reason string
	// Message says what is wrong where, and how to mend it.
	Message string
	// Stalled says that somebody has to change something; otherwise it passes when what is waited for appears.
	Stalled bool
}

func (p *Problem) Error() string { return p.Type + ": " + p.Message }

// Problems returns the problems in err, however they are joined, and what else there is: that is worth a retry.
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
