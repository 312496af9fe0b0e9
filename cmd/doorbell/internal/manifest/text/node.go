// SPDX-License-Identifier: Apache-2.0

package text

import (
	"iter"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// Node is a document, or an object within one, with its value and its place.
type Node struct {
	// Value is what kubectl would send: maps, slices, strings, int64, float64, bool, nil.
	Value any
	// Problems are what is wrong in the text of this document. Some are only warnings.
	Problems []Problem

	node   *yamlnode.Node
	before int
}

// Items returns the elements of the field items, for lists of objects.
func (n *Node) Items() []*Node {
	object, _ := n.Value.(map[string]any)
	values, _ := object["items"].([]any)
	sequence := resolve(child(n.node, "items"))
	if sequence == nil || len(sequence.Content) != len(values) {
		return nil
	}
	items := make([]*Node, len(values))
	for i, value := range values {
		items[i] = &Node{Value: value, node: resolve(sequence.Content[i]), before: n.before}
	}
	n.share(items)
	return items
}

// share hands each problem to the item in which it stands.
func (n *Node) share(items []*Node) {
	for _, problem := range n.Problems {
		for i, item := range items {
			if rest, ok := strings.CutPrefix(problem.Field, "items["+strconv.Itoa(i)+"]."); ok {
				problem.Field = rest
				item.Problems = append(item.Problems, problem)
			}
		}
	}
}

// Position returns the line and column of the field at path, in either of Kubernetes' notations (spec.data.a,
// spec.data[a], spec.list[0].b). Where the path leads further than the text, as with a field that is missing, it is
// the position of the last part that exists.
func (n *Node) Position(path string) (line, column int) {
	at := find(n.node, path)
	return n.before + at.Line, at.Column
}

func find(value *yamlnode.Node, path string) *yamlnode.Node {
	at := value
	for {
		value = resolve(value)
		path = strings.TrimPrefix(path, ".")
		key, next, rest := step(value, path)
		if path == "" || next == nil {
			return at
		}
		at, value, path = key, next, rest
	}
}

// step follows the first part of path: it returns the node that names the place, the value there, and the rest.
func step(value *yamlnode.Node, path string) (key, next *yamlnode.Node, rest string) {
	if value == nil {
		return nil, nil, ""
	}
	if value.Kind == yamlnode.SequenceNode {
		digits, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		if i, err := strconv.Atoi(digits); err == nil && i >= 0 && i < len(value.Content) {
			return value.Content[i], value.Content[i], rest
		}
		return nil, nil, ""
	}
	longest := -1
	for k, v := range pairs(value, 0) {
		if after, ok := cutKey(path, keyText(k)); ok && len(keyText(k)) > longest {
			key, next, rest, longest = k, v, after, len(keyText(k))
		}
	}
	return key, next, rest
}

// cutKey takes key off path, which may hold it as key or as [key]. Keys may contain dots.
func cutKey(path, key string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return rest, true
	}
	rest, ok = strings.CutPrefix(path, key)
	return rest, ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// mergeDepth is how deep merges within merges are followed.
const mergeDepth = 8

// pairs yields the keys and values of a mapping, and those that it merges in.
func pairs(mapping *yamlnode.Node, depth int) iter.Seq2[*yamlnode.Node, *yamlnode.Node] {
	return func(yield func(k, v *yamlnode.Node) bool) {
		if mapping == nil || mapping.Kind != yamlnode.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, value := mapping.Content[i], mapping.Content[i+1]
			if !yield(key, value) {
				return
			}
			if key.Tag != "!!merge" || depth >= mergeDepth {
				continue
			}
			for _, merged := range sources(value) {
				for k, v := range pairs(resolve(merged), depth+1) {
					if !yield(k, v) {
						return
					}
				}
			}
		}
	}
}

// sources are what a merge takes from: one mapping or several.
func sources(value *yamlnode.Node) []*yamlnode.Node {
	if value = resolve(value); value.Kind == yamlnode.SequenceNode {
		return value.Content
	}
	return []*yamlnode.Node{value}
}

func child(mapping *yamlnode.Node, name string) *yamlnode.Node {
	for k, v := range pairs(resolve(mapping), 0) {
		if k.Value == name {
			return v
		}
	}
	return nil
}

// resolve follows aliases; the parser never makes an alias of an alias.
func resolve(node *yamlnode.Node) *yamlnode.Node {
	if node != nil && node.Kind == yamlnode.AliasNode {
		return node.Alias
	}
	return node
}

// keyText is the key as it will be in JSON: kubectl's YAML turns a plain y into "true" and 010 into "8".
func keyText(key *yamlnode.Node) string {
	key = resolve(key)
	if key.Style != 0 || !mayChange(key.Value) {
		return key.Value
	}
	encoded, err := yaml.YAMLToJSON([]byte(key.Value))
	if err != nil || strings.ContainsAny(string(encoded), `"{[`) {
		return key.Value
	}
	return strings.TrimSpace(string(encoded))
}

// mayChange is true of plain text that could be a number or one of YAML's booleans, false being the longest.
func mayChange(text string) bool {
	const number, boolean = "0123456789+-.", "yYnNoOtTfF"
	switch {
	case text == "" || len(text) > 32:
		return false
	case strings.ContainsAny(text[:1], number):
		return true
	default:
		return len(text) <= len("false") && strings.ContainsAny(text[:1], boolean)
	}
}
