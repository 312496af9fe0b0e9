// SPDX-License-Identifier: Apache-2.0

// Package yamldoc parses YAML files as kubectl does, and knows the line of each field. Package manifest uses it. The values
// come from the parser that kubectl uses (YAML 1.1, in which a plain yes is a boolean). The positions come from a second
// parser, which keeps its nodes. A file may hold Secrets, so the package must never copy a value into a message.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// Document is one YAML document, or one item of a List.
type Document struct {
	// File is the path of the file.
	File string
	// Value is what kubectl would send: maps, slices, strings, int64, float64, bool or nil.
	Value any

	node *yamlnode.Node
	// linesBefore is the number of lines in the file above the document, and lines the number of its own.
	linesBefore, lines int
}

// separator begins a document, as for kubectl.
var separator = regexp.MustCompile(`(?m)^---`)

// Parse splits a file into its documents and skips the empty ones. The problems name the documents that cannot be read.
func Parse(file string, data []byte) (documents []*Document, problems []problem.Problem) {
	start, linesBefore := 0, 0
	for _, end := range append(separator.FindAllIndex(data, -1), []int{len(data)}) {
		text := data[start:end[0]]
		document := &Document{File: file, linesBefore: linesBefore, lines: bytes.Count(text, []byte("\n")) + 1}
		start, linesBefore = end[0], linesBefore+document.lines-1
		if line, message := document.parse(text); message != "" {
			problems = append(problems, problem.Problem{Position: document.position(line, 0), Message: message})
		} else if document.Value != nil {
			documents = append(documents, document)
		}
	}
	return documents, problems
}

// parse reads one document. If it fails, it returns a message and a line, which counts from 1 within the document.
func (d *Document) parse(text []byte) (line int, message string) {
	decoder := yamlnode.NewDecoder(bytes.NewReader(text))
	var document, next yamlnode.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return 0, ""
	} else if err != nil {
		return syntaxError(err)
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		return next.Line, `text after the end of the document; begin another document with a line "---"`
	}
	d.node = document.Content[0]
	encoded, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = json.Unmarshal(encoded, &d.Value)
	}
	if err != nil { // its message may quote a Secret
		return 1, "kubectl cannot convert this document to JSON; write it without tags, aliases, infinite numbers and keys that are not text"
	}
	return 0, ""
}

// syntaxError completes the parser's message with advice.
func syntaxError(err error) (line int, message string) {
	line, message = 1, err.Error()
	if failed, ok := errors.AsType[*yamlnode.LoadError](err); ok {
		line, message = failed.Mark.Line, failed.Message
		begins := failed.Stage == yamlnode.ScannerStage || strings.Contains(failed.ContextMsg, "flow")
		if begins && failed.ContextMark.Line > 0 { // the line on which an unclosed quote or bracket begins
			line = failed.ContextMark.Line
		}
	}
	if strings.HasPrefix(message, "unknown anchor") { // the message quotes the value, which may be secret
		message = "YAML reads the * at the beginning as an alias"
	}
	return line, "invalid YAML: " + message + "; correct the indentation, or put the whole value in quotes"
}

// Items returns the items of a List. It reports false if the document has no list of items.
func (d *Document) Items() ([]*Document, bool) {
	object, _ := d.Value.(map[string]any)
	values, isList := object["items"].([]any)
	_, node, _ := step(d.node, "items")
	node = resolve(node)
	if !isList || node == nil || len(node.Content) != len(values) {
		return nil, false
	}
	items := make([]*Document, len(values))
	for i, value := range values {
		items[i] = &Document{File: d.File, Value: value, node: resolve(node.Content[i]), linesBefore: d.linesBefore, lines: d.lines}
	}
	return items, true
}

// booleans are the keys that kubectl turns into "true" or "false", in lower case.
var booleans = []string{"y", "yes", "on", "n", "no", "off"}

// Mistakes returns the mistakes that are valid YAML: fields that are given twice, expressions that begin with "!", which YAML
// reads as a tag, and, as warnings, keys that YAML reads as booleans. It does not follow aliases, so its running time grows
// with the length of the text.
func (d *Document) Mistakes() []problem.Problem { return d.mistakes(d.node, "") }

func (d *Document) mistakes(node *yamlnode.Node, path string) (found []problem.Problem) {
	add := func(at *yamlnode.Node, field, message string, warning bool) {
		found = append(found, problem.Problem{Position: d.position(at.Line, at.Column), Field: field, Message: message, Warning: warning})
	}
	if strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
		add(node, path, "YAML reads the ! at the beginning as a tag; put the whole value in quotes", false)
	}
	lines := map[string]int{}
	for i, child := range node.Content {
		if node.Kind == yamlnode.SequenceNode {
			found = append(found, d.mistakes(child, path+"["+strconv.Itoa(i)+"]")...)
		} else if i%2 == 1 {
			key := node.Content[i-1]
			field := strings.TrimPrefix(path+"."+key.Value, ".")
			if line := lines[key.Value]; line > 0 && key.Tag != "!!merge" {
				add(key, field, fmt.Sprintf("given twice, first on line %d; remove one", d.linesBefore+line), false)
			}
			if key.Style == 0 && slices.Contains(booleans, strings.ToLower(key.Value)) {
				add(key, field, "YAML reads this key as a boolean; put it in quotes", true)
			}
			lines[key.Value] = key.Line
			found = append(found, d.mistakes(child, field)...)
		}
	}
	return found
}
