// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"
)

// Error reports a mistake in an expression. Compile returns it.
type Error struct {
	// Expression is the expression as its author wrote it.
	Expression string
	// Line and Column are the place of the mistake. Both count from 1, and Column counts characters.
	Line, Column int
	// Problem says what is wrong, such as `a single "=" compares nothing`.
	Problem string
	// Advice says how to correct the expression, such as "write ==". It is "" if Doorbell has no advice.
	Advice string
	// Fix is the whole corrected expression. It compiles. Fix is "" if Doorbell cannot correct the expression.
	Fix string
}

// maxFixOnOneLine bounds, in characters, the corrected line that Error includes.
const maxFixOnOneLine = 160

// Error implements error. The text has the place, the mistake, the advice and the corrected line on one line, for
// conditions, events and log lines.
func (e *Error) Error() string {
	text := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	if fix := e.fixedLine(); fix != "" && len([]rune(fix)) <= maxFixOnOneLine {
		text += ": " + fix
	}
	return text
}

// Detail returns the mistake on several lines, for a terminal: the problem, the line of the expression with a caret
// under the place, and the advice with the corrected line.
func (e *Error) Detail() string {
	line, column := excerpt(lineOf(e.Expression, e.Line), e.Column)
	text := fmt.Sprintf("%s\n  %s\n  %s^", e.Problem, line, strings.Repeat(" ", column-1))
	if e.Advice == "" && e.Fix == "" {
		return text
	}
	text += "\n" + e.Advice
	if fix := e.fixedLine(); fix != "" {
		text += ": " + fix
	}
	return text
}

// fixedLine returns the line of Fix that replaces the line with the mistake. A correction never adds or removes a line.
func (e *Error) fixedLine() string { return strings.TrimSpace(lineOf(e.Fix, e.Line)) }

func lineOf(text string, number int) string {
	lines := strings.Split(text, "\n")
	if number < 1 || number > len(lines) {
		return ""
	}
	return lines[number-1]
}

// excerptWidth is how many characters of a line Detail shows on each side of the mistake.
const excerptWidth = 60

// excerpt returns the part of a line around a column, and the column in that part. It turns tabs into spaces, so that
// the caret is at the same place on every terminal.
func excerpt(line string, column int) (string, int) {
	characters := []rune(strings.ReplaceAll(line, "\t", " "))
	column = min(max(column, 1), len(characters)+1)
	from, to := max(0, column-1-excerptWidth), min(len(characters), column-1+excerptWidth)
	shown := string(characters[from:to])
	if to < len(characters) {
		shown += "…"
	}
	if from > 0 {
		return "…" + shown, column - from + 1
	}
	return shown, column
}

// EvalError reports that an expression failed for one event, for example because it divided by zero.
type EvalError struct {
	// Reason says why.
	Reason string
}

// Error implements error. The text is Reason.
func (e *EvalError) Error() string { return e.Reason }
