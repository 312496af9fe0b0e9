// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"fmt"
	"io"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// problems prints each problem when it appears. It prints the problem again only if it was solved in between. It is not
// safe for concurrent use.
type problems struct {
	out            io.Writer
	shown, current map[problem.Problem]bool
	printed        map[string]bool
}

func newProblems(out io.Writer) *problems {
	return &problems{out: out, shown: map[problem.Problem]bool{}, printed: map[string]bool{}}
}

// begin starts to collect the problems of a set of manifests. end forgets every earlier problem that was not added since begin.
func (p *problems) begin() { p.current = map[problem.Problem]bool{} }

func (p *problems) end() { p.shown = p.current }

func (p *problems) add(found problem.Problem) {
	if !p.shown[found] && !p.current[found] {
		fmt.Fprintln(p.out, text(found))
	}
	p.current[found] = true
}

// text returns "FILE:LINE: FIELD: MESSAGE". If the problem has a detail, text returns its first line in place of the message
// and the other lines indented.
func text(found problem.Problem) string {
	first, rest, _ := strings.Cut(found.Detail, "\n")
	if first != "" {
		found.Message = first
	}
	line := found.Error()
	if found.Warning {
		line = "warning: " + line
	}
	if rest != "" {
		line += "\n    " + strings.ReplaceAll(rest, "\n", "\n    ")
	}
	return line
}

// printOnce prints a line that it has not printed before.
func (p *problems) printOnce(line string) {
	if !p.printed[line] {
		p.printed[line] = true
		fmt.Fprintln(p.out, line)
	}
}
