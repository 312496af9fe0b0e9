// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// located splits the parser's message into line and text.
var located = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// syntaxProblem turns the parser's error into a place and an advice. The parser often names the line where the
// surrounding block began; the mistake is at the first line that no beginning of the text survives.
func (c chunk) syntaxProblem(err error) *Problem {
	parts := located.FindStringSubmatch(err.Error())
	if parts == nil {
		return &Problem{Line: c.before + 1, Message: err.Error()}
	}
	line, _ := strconv.Atoi(parts[1])
	if found := c.breakingLine(); found > 0 {
		line = found
	}
	line = max(line, 1)
	return &Problem{Line: c.before + line, Message: advice(parts[2], c.line(line))}
}

// searched is how many bytes may be parsed to find the breaking line. Only text that opens a bracket or a quote near its
// top and never closes it needs more than a few thousand.
const searched = 1 << 20

// breakingLine returns the line after the longest beginning of the text that parses; 0 if the search took too long. It
// begins where the parser gave up.
func (c chunk) breakingLine() int {
	_, end := parses(c.data)
	for budget := searched; end > 0 && budget > 0; {
		end = bytes.LastIndexByte(c.data[:end-1], '\n') + 1
		good, read := parses(c.data[:end])
		if good {
			return bytes.Count(c.data[:end], []byte("\n")) + 1
		}
		budget -= read
	}
	return 0
}

// parses also returns how much of the text it took to tell.
func parses(data []byte) (good bool, read int) {
	var node yamlnode.Node
	reader := bytes.NewReader(data)
	err := yamlnode.NewDecoder(reader).Decode(&node)
	return err == nil || err == io.EOF, len(data) - reader.Len() //nolint:errorlint // the decoder returns it bare
}

func (c chunk) line(number int) string {
	lines := strings.SplitN(string(c.data), "\n", number+1)
	if number > len(lines) {
		return ""
	}
	return lines[number-1]
}

// advice says how to mend what the parser complains of. It never quotes the text, which may be a secret.
func advice(message, line string) string {
	trimmed := strings.TrimLeft(line, " ")
	_, value, found := strings.Cut(trimmed, ": ")
	if !found {
		value = trimmed
	}
	value = strings.TrimSpace(value)
	switch {
	case strings.Contains(message, "<document start>"), strings.HasPrefix(line, "%"):
		return "not YAML: another document begins here; put a line with --- above it, and leave out directives such as %YAML"
	case strings.HasPrefix(trimmed, "\t"):
		return "not YAML: the line is indented with a tab; use spaces"
	case strings.HasPrefix(value, "@"), strings.HasPrefix(value, "`"), strings.HasPrefix(value, "%"):
		return "not YAML: a value cannot begin with " + value[:1] + "; put the whole value in quotes"
	case strings.HasPrefix(value, "*"), strings.HasPrefix(value, "&"):
		return "not YAML: " + value[:1] + " begins an alias or an anchor; if a value was meant, put it in quotes"
	case strings.HasPrefix(value, `"`), strings.HasPrefix(value, "'"):
		return "not YAML: the quotes do not enclose the whole value; put the whole value in quotes, and those within it in the other kind"
	case strings.HasPrefix(value, "["), strings.HasPrefix(value, "{"):
		return "not YAML: the bracket is not closed, or something follows it; if this is an expression, put it in quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		return "not YAML: a second colon, or a line indented too far; put the value in quotes, or correct the indentation"
	case strings.Contains(message, "unexpected end of stream"):
		return "not YAML: a quote is opened and never closed"
	case strings.Contains(message, "could not find expected ':'"):
		return "not YAML: a colon after the key is missing"
	case strings.Contains(message, "did not find expected"):
		return "not YAML: the indentation does not fit the lines above"
	}
	return "not YAML: " + message
}
