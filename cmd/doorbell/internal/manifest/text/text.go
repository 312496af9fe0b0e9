// SPDX-License-Identifier: Apache-2.0

// Package text reads YAML as kubectl reads it and remembers where each field stands. Values come from the very parser
// that kubectl uses (YAML 1.1: a plain yes is a boolean); positions come from a second parse that keeps its nodes.
package text

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	yamlnode "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Problem is a mistake in the text. Line and Column count from 1; a Column of 0 is unknown.
type Problem struct {
	Line, Column int
	// Field is the path of the field, such as spec.data[a.b]; empty when the mistake is in the YAML itself.
	Field   string
	Message string
	// Warning marks what is taken all the same.
	Warning bool
}

// Error says what is wrong and how to fix it, without the place.
func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// Parse splits a file into its documents, leaving out empty ones. The error is a *Problem: text that is no YAML, or
// that kubectl would not read. Mistakes within a document that is otherwise readable are in its Problems.
func Parse(data []byte) ([]*Node, error) {
	if problem := checkEncoding(data); problem != nil {
		return nil, problem
	}
	chunks, problem := split(bytes.TrimPrefix(data, []byte("\ufeff")))
	if problem != nil {
		return nil, problem
	}
	var nodes []*Node
	for _, c := range chunks {
		node, problem := c.parse()
		if problem != nil {
			return nil, problem
		}
		if node != nil {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// checkEncoding refuses what the parsers would refuse without naming a line.
func checkEncoding(data []byte) *Problem {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return &Problem{Line: 1, Message: "the file is UTF-16; save it as UTF-8"}
	}
	line := 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Problem{Line: line, Message: "not UTF-8; save the file as UTF-8"}
		case r == '\n':
			line++
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return &Problem{Line: line, Message: fmt.Sprintf("the control character %U cannot stand in YAML; remove it", r)}
		}
		i += size
	}
	return nil
}

// chunk is the text between two separators.
type chunk struct {
	data []byte
	// before is the number of lines of the file above it.
	before int
}

// split cuts at lines that begin with "---", as kubectl does.
func split(data []byte) ([]chunk, *Problem) {
	var chunks []chunk
	start, before, line := 0, 0, 0
	for at := 0; at < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line++
		if rest, ok := bytes.CutPrefix(data[at:end], []byte("---")); ok {
			if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
				return nil, &Problem{Line: line, Message: "only a comment may follow --- ; begin the document on the next line"}
			}
			chunks = append(chunks, chunk{data: data[start:at], before: before})
			start, before = end, line
		}
		at = end
	}
	return append(chunks, chunk{data: data[start:], before: before}), nil
}

// parse reads one document; nil means that it is empty.
func (c chunk) parse() (*Node, *Problem) {
	decoder := yamlnode.NewDecoder(bytes.NewReader(c.data))
	var document, more yamlnode.Node
	switch err := decoder.Decode(&document); {
	case err == io.EOF: //nolint:errorlint // the decoder returns it bare
		return nil, nil
	case err != nil:
		return nil, c.syntaxProblem(err)
	}
	if err := decoder.Decode(&more); err != io.EOF { //nolint:errorlint // as above
		return nil, c.trailing(&more, err)
	}
	node := &Node{node: document.Content[0], before: c.before}
	if problem := node.inspect(); problem != nil {
		return nil, problem
	}
	value, problem := c.value()
	if problem != nil || value == nil {
		return nil, problem
	}
	node.Value = value
	return node, nil
}

func (c chunk) trailing(more *yamlnode.Node, err error) *Problem {
	if err != nil {
		return c.syntaxProblem(err)
	}
	return &Problem{Line: c.before + more.Line, Message: "a second document begins here; put a line with --- above it"}
}

// cannotDecode picks the tag out of a message of the parser, and leaves the value behind: it may be a secret.
var cannotDecode = regexp.MustCompile(`^yaml: (?:line \d+: )?cannot decode \S+ .* as a (\S+)$`)

// value reads the document as kubectl does. The parser's messages may quote values, which may be secret, so none of
// them is passed on.
func (c chunk) value() (any, *Problem) {
	encoded, err := yaml.YAMLToJSON(c.data)
	if err != nil {
		return nil, &Problem{Line: c.before + 1, Message: unreadable(err.Error())}
	}
	var value any
	if err := json.Unmarshal(encoded, &value); err != nil {
		return nil, &Problem{Line: c.before + 1, Message: "nested too deeply to be a manifest"}
	}
	return value, nil
}

func unreadable(message string) string {
	tag := cannotDecode.FindStringSubmatch(message)
	switch {
	case tag != nil:
		return fmt.Sprintf("a value in this document does not fit its tag %s; remove the tag", tag[1])
	case strings.Contains(message, "excessive aliasing"), strings.Contains(message, "contains itself"):
		return "the aliases of this document expand without end; write the values out"
	case strings.Contains(message, "map merge requires"):
		return "<< merges a mapping or a list of mappings, and here it is given something else"
	case strings.Contains(message, "unsupported value"):
		return "a number in this document is infinite or not a number; put it in quotes"
	}
	return "this document is YAML that kubectl cannot turn into JSON; write it in plain YAML"
}
