// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/crd"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/text"
)

// identity is what there can be only one of.
type identity struct{ kind, namespace, name string }

func (i identity) String() string { return i.kind + " " + i.namespace + "/" + i.name }

// object is one object that passed all checks.
type object struct {
	identity
	file  string
	typed any // *v1alpha1.Source, *v1alpha1.ActionMapping or *corev1.Secret
	node  *text.Node
	stale bool
}

// content is what one file holds.
type content struct {
	objects  []*object
	problems []Problem
	ignored  []Ignored
	// invalid are the objects that are there, but with mistakes.
	invalid map[identity]bool
	// unclear is set when something in the file could not be told: anything may be missing from objects.
	unclear bool
}

// parser reads one file.
type parser struct {
	catalog *crd.Catalog
	file    string
	content
}

// parse reads the text of a file. It has no memory.
func parse(ctx context.Context, catalog *crd.Catalog, file string, data []byte) content {
	p := &parser{catalog: catalog, file: file, content: content{invalid: map[identity]bool{}}}
	if isKustomization(file) {
		p.ignored = append(p.ignored, Ignored{File: file, Kind: "Kustomization"})
		return p.content
	}
	nodes, err := text.Parse(data)
	switch {
	case err != nil:
		p.unclear = true
		p.fail(err)
	case len(nodes) == 0:
		p.unclear = true
		p.problems = append(p.problems, Problem{File: file, Message: "holds no object; to take its objects out of service, delete the file"})
	}
	for _, node := range nodes {
		p.node(ctx, node)
	}
	return p.content
}

func (p *parser) fail(err error) {
	problem := Problem{File: p.file, Message: err.Error()}
	if located, ok := err.(*text.Problem); ok { //nolint:errorlint // text.Parse returns it bare
		problem = p.at(*located)
	}
	p.problems = append(p.problems, problem)
}

func (p *parser) at(found text.Problem) Problem {
	return Problem{
		File: p.file, Line: found.Line, Column: found.Column, Field: found.Field, Message: found.Message, Warning: found.Warning,
	}
}

// add reports a mistake at the place of its field.
func (p *parser) add(node *text.Node, found text.Problem) {
	found.Line, found.Column = node.Position(found.Field)
	p.problems = append(p.problems, p.at(found))
}

// node reads a document or an item of a list.
func (p *parser) node(ctx context.Context, node *text.Node) {
	value, ok := node.Value.(map[string]any)
	if !ok {
		p.unclear = true
		p.add(node, text.Problem{Message: "not a manifest: it must be a mapping with apiVersion, kind and metadata"})
		return
	}
	apiVersion, _ := value["apiVersion"].(string)
	kind, _ := value["kind"].(string)
	if _, ok := value["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		p.list(ctx, node)
		return
	}
	switch verdict, mistake := judge(apiVersion, kind); verdict {
	case take:
		if kind == kindSecret && isTemplate(value) {
			p.ignore(node, value, templateAdvice)
			return
		}
		p.take(ctx, node, value, kind)
	case pass:
	case refuse:
		p.unclear = true
		p.add(node, mistake)
	case leave:
		p.unclear = p.unclear || kind == ""
		p.ignore(node, value, "")
	}
}

func (p *parser) ignore(node *text.Node, value map[string]any, advice string) {
	line, _ := node.Position("")
	kind, _ := value["kind"].(string)
	p.ignored = append(p.ignored, Ignored{File: p.file, Line: line, Kind: kind, Name: nameOf(value), Advice: advice})
}

// list reads the items; what is wrong beside them makes it doubtful whether these are all.
func (p *parser) list(ctx context.Context, node *text.Node) {
	for _, problem := range node.Problems {
		if !strings.HasPrefix(problem.Field, "items[") {
			p.problems = append(p.problems, p.at(problem))
			p.unclear = p.unclear || !problem.Warning
		}
	}
	for _, item := range node.Items() {
		p.node(ctx, item)
	}
}

func nameOf(value map[string]any) string {
	metadata, _ := value["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// defaultNamespace is where an object without namespace is.
const defaultNamespace = "default"

// take checks an object of one of our kinds and keeps it if it is good.
func (p *parser) take(ctx context.Context, node *text.Node, value map[string]any, kind string) {
	id := identity{kind: kind, name: nameOf(value)}
	if metadata, ok := value["metadata"].(map[string]any); ok {
		if metadata["namespace"] == nil || metadata["namespace"] == "" {
			metadata["namespace"] = defaultNamespace
		}
		id.namespace, _ = metadata["namespace"].(string)
	}
	before := len(p.problems)
	if kind == kindSecret {
		hideNested(node.Problems)
	}
	for _, problem := range node.Problems {
		p.problems = append(p.problems, p.at(problem))
	}
	typed := p.check(ctx, node, value, kind)
	if problems := p.problems[before:]; slices.ContainsFunc(problems, Problem.isError) {
		p.invalid[id] = true
		p.unclear = p.unclear || slices.ContainsFunc(problems, Problem.hidesIdentity)
		return
	}
	p.objects = append(p.objects, &object{identity: id, file: p.file, typed: typed, node: node})
}

func (p Problem) isError() bool { return !p.Warning }

// hidesIdentity is true of mistakes that leave it open which object is meant.
func (p Problem) hidesIdentity() bool {
	return p.Field == "metadata" || p.Field == "metadata.name" || p.Field == "metadata.namespace"
}

// check reports every mistake; it returns the object as its Go type if there is none.
func (p *parser) check(ctx context.Context, node *text.Node, value map[string]any, kind string) any {
	metadata, _ := value["metadata"].(map[string]any)
	switch {
	case metadata["name"] == nil || metadata["name"] == "":
		p.add(node, text.Problem{Field: "metadata.name", Message: "missing; add it"})
		return nil
	case kind == kindSecret:
		return p.checkSecret(ctx, node, value)
	case !p.conforms(ctx, node, value, kind):
		return nil
	case kind == kindSource:
		return decode[v1alpha1.Source](p, node, value)
	default:
		return decode[v1alpha1.ActionMapping](p, node, value)
	}
}

// conforms checks an object by its CRD.
func (p *parser) conforms(ctx context.Context, node *text.Node, value map[string]any, kind string) bool {
	good := true
	for _, finding := range p.catalog.Check(ctx, v1alpha1.SchemeGroupVersion.WithKind(kind), value) {
		good = good && finding.Warning
		if !mentions(node.Problems, finding.Path) {
			p.add(node, text.Problem{Field: finding.Path, Message: finding.Message, Warning: finding.Warning})
		}
	}
	return good
}

// mentions is true of a field whose text is wrong already: the rest follows from that.
func mentions(problems []text.Problem, field string) bool {
	return slices.ContainsFunc(problems, func(p text.Problem) bool { return p.Field == field && !p.Warning })
}

// decode makes a checked object its Go type. A failure is a schema that allows what the type does not.
func decode[T any](p *parser, node *text.Node, value map[string]any) *T {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(value, typed); err != nil {
		p.add(node, text.Problem{Message: err.Error()})
	}
	return typed
}
