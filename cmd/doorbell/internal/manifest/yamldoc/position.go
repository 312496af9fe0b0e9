// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v4"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// Position returns the place of the field at path, which may be in either notation of Kubernetes: spec.data.a or
// spec.data[a], spec.list[0].b. If the text does not have the field, Position returns the place of the nearest parent that it
// has. Position does not look into YAML merges (<<).
func (d *Document) Position(path string) problem.Position {
	at := d.node
	for value := d.node; path != ""; {
		var key *yamlnode.Node
		key, value, path = step(value, strings.TrimPrefix(path, "."))
		if value == nil {
			break
		}
		at = key
	}
	return d.position(at.Line, at.Column)
}

// position returns the place of a line of the document. YAML has more kinds of line breaks than editors, so the parser may count
// more lines than there are.
func (d *Document) position(line, column int) problem.Position {
	return problem.Position{File: d.File, Line: d.linesBefore + min(max(line, 1), d.lines), Column: column}
}

// step follows the first segment of path. It returns the node that marks the place (the key, or the element of a
// list), the value there, and the rest of the path. The value is nil if the text does not have it.
func step(node *yamlnode.Node, path string) (key, value *yamlnode.Node, rest string) {
	node = resolve(node)
	switch {
	case node == nil:
	case node.Kind == yamlnode.SequenceNode:
		digits, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		if i, err := strconv.Atoi(digits); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i], rest
		}
	case node.Kind == yamlnode.MappingNode:
		longest := -1 // keys may contain dots, so "a.b" goes before "a"
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if after, ok := cutKey(path, name); ok && len(name) > longest {
				key, value, rest, longest = node.Content[i], node.Content[i+1], after, len(name)
			}
		}
	}
	return key, value, rest
}

// cutKey removes key from the beginning of path, which may have it as key or as [key].
func cutKey(path, key string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return rest, true
	}
	rest, ok = strings.CutPrefix(path, key)
	return rest, ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// resolve follows an alias. The parser never makes an alias of an alias.
func resolve(node *yamlnode.Node) *yamlnode.Node {
	if node != nil && node.Kind == yamlnode.AliasNode {
		return node.Alias
	}
	return node
}
