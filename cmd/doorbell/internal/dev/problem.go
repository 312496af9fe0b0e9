// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"fmt"
	"io"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
)

// problems shows each problem when it appears, and not again while it lasts.
type problems struct {
	out          io.Writer
	shown, found map[string]bool
	noted        map[string]bool
}

func newProblems(out io.Writer) *problems {
	return &problems{out: out, shown: map[string]bool{}, noted: map[string]bool{}}
}

// begin starts a round of problems, and end ends it: what was not found in it counts as mended.
func (p *problems) begin() { p.found = map[string]bool{} }

func (p *problems) end() { p.shown = p.found }

func (p *problems) add(problem manifest.Problem) {
	text := problem.Error()
	if problem.Warning {
		text = "warning: " + text
	}
	if !p.shown[text] && !p.found[text] {
		fmt.Fprintln(p.out, text)
	}
	p.found[text] = true
}

// note says something once.
func (p *problems) note(text string) {
	if !p.noted[text] {
		p.noted[text] = true
		fmt.Fprintln(p.out, text)
	}
}
