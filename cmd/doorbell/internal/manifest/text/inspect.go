// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// inspect walks the text for what YAML allows and a manifest should not hold. What makes the document unreadable is
// returned, the rest is added to its Problems. Aliases are not followed, so the walk is as long as the text.
func (n *Node) inspect() *Problem { return n.inspectNode(n.node, "") }

func (n *Node) inspectNode(node *yamlnode.Node, path string) *Problem {
	n.checkTag(node, path)
	switch node.Kind {
	case yamlnode.MappingNode:
		return n.inspectMapping(node, path)
	case yamlnode.SequenceNode:
		for i, item := range node.Content {
			if problem := n.inspectNode(item, path+"["+strconv.Itoa(i)+"]"); problem != nil {
				return problem
			}
		}
	default: // scalars and aliases hold nothing
	}
	return nil
}

func (n *Node) inspectMapping(node *yamlnode.Node, path string) *Problem {
	seen := make(map[string]*yamlnode.Node, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if problem := n.checkKey(key, path); problem != nil {
			return problem
		}
		text := keyText(key)
		field := join(path, text)
		if first, again := seen[text]; again && key.Tag != "!!merge" {
			n.add(key, field, fmt.Sprintf("given twice, first on line %d; keep one", n.before+first.Line), false)
		} else {
			seen[text] = key
		}
		if problem := n.inspectNode(value, field); problem != nil {
			return problem
		}
	}
	return nil
}

// checkKey refuses keys that JSON cannot have and warns of those that change on the way.
func (n *Node) checkKey(key *yamlnode.Node, path string) *Problem {
	resolved := resolve(key)
	switch {
	case resolved.Kind != yamlnode.ScalarNode:
		return n.problem(key, path, "a mapping or a list cannot be a key; is a brace or a quote missing?")
	case resolved.Tag == "!!null":
		return n.problem(key, path, "a key is empty; name it, or put it in quotes")
	case keyText(key) != resolved.Value:
		message := fmt.Sprintf("YAML reads the key %s as %s; put it in quotes", resolved.Value, keyText(key))
		n.add(key, join(path, keyText(key)), message, true)
	}
	return nil
}

// checkTag finds expressions that begin with "!", which YAML takes for a tag: the expression would be lost.
func (n *Node) checkTag(node *yamlnode.Node, path string) {
	if node.Kind == yamlnode.AliasNode || !strings.HasPrefix(node.Tag, "!") || strings.HasPrefix(node.Tag, "!!") {
		return
	}
	n.add(node, path, "begins with !, which YAML takes for a tag; put the whole value in quotes", false)
}

func (n *Node) problem(at *yamlnode.Node, field, message string) *Problem {
	return &Problem{Line: n.before + at.Line, Column: at.Column, Field: field, Message: message}
}

func (n *Node) add(at *yamlnode.Node, field, message string, warning bool) {
	problem := n.problem(at, field, message)
	problem.Warning = warning
	n.Problems = append(n.Problems, *problem)
}

// join adds a key to a path in Kubernetes' notation.
func join(path, key string) string {
	switch {
	case strings.ContainsAny(key, ".[]/"):
		return path + "[" + key + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}
