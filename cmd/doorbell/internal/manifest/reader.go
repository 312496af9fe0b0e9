// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/crd"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/yamldoc"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// maxFileSize is the largest file that the package reads, in bytes.
const maxFileSize = 5 << 20

// annotationTemplate with the value "true" marks a Secret that has placeholders instead of values.
const annotationTemplate = "doorbell.dev/template"

const templateAdvice = ", which is a template; write your key into it and remove the annotation " + annotationTemplate + ", or set KNOCK_API_KEY"

// reader reads the files of one listing and collects the objects that the API server would accept.
type reader struct {
	catalog  *crd.Catalog
	set      *Set
	accepted []*acceptedObject
	// unclear are the paths with text that the reader did not recognize, so that any object may be missing.
	unclear []string
}

func (r *reader) file(ctx context.Context, file manifestdir.File) {
	data, err := read(file)
	documents, problems := yamldoc.Parse(file.Path, data)
	if err == nil && len(documents)+len(problems) == 0 {
		err = errors.New("no objects; to remove the objects that it had, delete the file")
	}
	if err != nil && !errors.Is(err, errChanging) {
		problems = append(problems, problem.Problem{Position: problem.Position{File: file.Path}, Message: err.Error()})
	}
	if err != nil || len(problems) > 0 {
		r.unclear = append(r.unclear, file.Path)
	}
	r.set.Problems = append(r.set.Problems, problems...)
	for _, document := range documents {
		r.document(ctx, document)
	}
}

// errChanging reports that a file changed between listing and reading it. The next scan finds the change.
var errChanging = errors.New("the file is changing")

func read(file manifestdir.File) ([]byte, error) {
	if file.Info.Size() > maxFileSize {
		return nil, fmt.Errorf("larger than %d MiB; split the file", maxFileSize>>20)
	}
	data, err := os.ReadFile(file.Path)
	if info, err := os.Stat(file.Path); err != nil || !file.Same(info) {
		return nil, errChanging
	}
	return data, err
}

// document reads an object, or the objects of a List.
func (r *reader) document(ctx context.Context, document *yamldoc.Document) {
	value, ok := document.Value.(map[string]any)
	if !ok {
		r.unrecognized(document, "", "not a manifest; it must be a mapping with apiVersion, kind and metadata")
		return
	}
	object := &unstructured.Unstructured{Object: value}
	gvk := object.GroupVersionKind()
	switch items, isList := document.Items(); {
	case isList && strings.HasSuffix(gvk.Kind, "List"):
		for _, item := range items {
			r.document(ctx, item)
		}
	case r.catalog.Has(gvk):
		r.object(ctx, document, object)
	case gvk.Group == v1alpha1.SchemeGroupVersion.Group && (gvk.Kind == kindSource || gvk.Kind == kindActionMapping):
		r.unrecognized(document, "apiVersion", fmt.Sprintf("must be %s", v1alpha1.SchemeGroupVersion))
	case gvk.Group == v1alpha1.SchemeGroupVersion.Group:
		r.unrecognized(document, "kind", "must be Source or ActionMapping")
	case object.GetAPIVersion() == "v1" && gvk.Kind == "Namespace": // part of most sets of manifests, so not worth a message
	case gvk.Kind == "":
		r.unclear = append(r.unclear, document.File)
		r.ignore(document, "a document without kind")
	default:
		r.ignore(document, strings.TrimSpace(gvk.Kind+" "+object.GetName()))
	}
}

// object checks an object of a kind that the package reads, and accepts or rejects it.
func (r *reader) object(ctx context.Context, document *yamldoc.Document, object *unstructured.Unstructured) {
	if object.GetKind() == kindSecret && object.GetAnnotations()[annotationTemplate] == "true" {
		r.ignore(document, "Secret "+object.GetName()+templateAdvice)
		return
	}
	if _, found, err := unstructured.NestedString(object.Object, "metadata", "namespace"); !found && err == nil {
		object.SetNamespace("default")
	}
	id := identity{object.GetKind(), object.GetNamespace(), object.GetName()}
	problems := document.Mistakes()
	if object.GetKind() == kindSecret {
		hideNestedKeys(problems)
	}
	var typed any
	if !slices.ContainsFunc(problems, isError) { // otherwise the values are not what the author meant
		var found []problem.Problem
		typed, found = r.check(ctx, object)
		for _, p := range found {
			p.Position = document.Position(p.Field)
			problems = append(problems, p)
		}
	}
	r.set.Problems = append(r.set.Problems, problems...)
	if !slices.ContainsFunc(problems, isError) {
		r.accepted = append(r.accepted, &acceptedObject{identity: id, typed: typed, document: document})
		return
	}
	r.set.rejected[id] = true
	if slices.ContainsFunc(problems, func(p problem.Problem) bool { return strings.HasPrefix(p.Field, "metadata") }) {
		r.unclear = append(r.unclear, document.File) // the name may be wrong, so any object may be meant
	}
}

func isError(p problem.Problem) bool { return !p.Warning }

// hideNestedKeys shortens the path of each problem to data.KEY, because everything below it may be secret.
func hideNestedKeys(problems []problem.Problem) {
	for i, p := range problems {
		segments := strings.SplitN(p.Field, ".", 3)
		problems[i].Field = strings.Join(segments[:min(2, len(segments))], ".")
	}
}

// check returns the object as its Go type, which is valid if all problems are warnings.
func (r *reader) check(ctx context.Context, object *unstructured.Unstructured) (typed any, problems []problem.Problem) {
	if name, _, err := unstructured.NestedString(object.Object, "metadata", "name"); err == nil && name == "" {
		return nil, []problem.Problem{{Field: "metadata.name", Message: "required; add it"}}
	}
	problems = r.catalog.Check(ctx, object.GroupVersionKind(), object.Object)
	switch object.GetKind() {
	case kindSource:
		typed = &v1alpha1.Source{}
	case kindActionMapping:
		typed = &v1alpha1.ActionMapping{}
	case kindSecret:
		typed = &corev1.Secret{}
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed)
	if err != nil && !slices.ContainsFunc(problems, isError) { // the schema allows more than the Go type
		problems = append(problems, problem.Problem{Message: err.Error()})
	}
	return typed, problems
}

// unrecognized adds a problem of a document that may be any object.
func (r *reader) unrecognized(document *yamldoc.Document, field, message string) {
	r.unclear = append(r.unclear, document.File)
	r.add(document, field, message)
}

func (r *reader) add(document *yamldoc.Document, field, message string) {
	r.set.Problems = append(r.set.Problems, problem.Problem{Position: document.Position(field), Field: field, Message: message})
}

func (r *reader) ignore(document *yamldoc.Document, object string) {
	at := document.Position("")
	r.set.Ignored = append(r.set.Ignored, fmt.Sprintf("%s:%d: ignored %s", at.File, at.Line, object))
}
