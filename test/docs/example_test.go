// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/test/controlplane"
	"github.com/doorbell-dev/doorbell/test/manifest"
)

var plane controlplane.Shared

func TestMain(m *testing.M) { os.Exit(plane.Main(m)) }

// block is one YAML example on a page.
type block struct{ page, text string }

// blocks returns the YAML examples of all pages: complete resources, and fragments of a spec.
func blocks(t *testing.T) (resources, fragments []block) {
	t.Helper()
	for _, p := range pages(t) {
		for text := range matches(regexp.MustCompile("(?s)```yaml\n(.*?)```"), p.text) {
			if strings.Contains(text, "apiVersion: ") {
				resources = append(resources, block{p.path, text})
			} else {
				fragments = append(fragments, block{p.path, text})
			}
		}
	}
	return resources, fragments
}

func TestAPIServerAcceptsEveryResource(t *testing.T) {
	c, err := client.New(plane.Get(t).Config, client.Options{FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	resources, _ := blocks(t)
	for _, block := range resources {
		objects, err := manifest.Objects([]byte(block.text))
		if err != nil {
			t.Errorf("%s: %v in\n%s", block.page, err, block.text)
		}
		for _, object := range objects {
			object.SetNamespace("default")
			if err := c.Create(t.Context(), object, client.DryRunAll); err != nil {
				t.Errorf("%s: %s %s: %v", block.page, object.GetKind(), object.GetName(), err)
			}
			compiles(t, block.page, object)
		}
	}
}

// compiles reports an error if a resource has a mistake that only the compiler finds, such as a wrong expression.
func compiles(t *testing.T, page string, object *unstructured.Unstructured) {
	t.Helper()
	text, err := yaml.Marshal(object)
	source, mapping := &v1alpha1.Source{Spec: v1alpha1.SourceSpec{Type: "RudderStack"}}, &v1alpha1.ActionMapping{}
	var mappings []*v1alpha1.ActionMapping
	switch object.GetKind() {
	case "Source":
		err = yaml.UnmarshalStrict(text, source)
	case "ActionMapping":
		err = yaml.UnmarshalStrict(text, mapping)
		mappings = append(mappings, mapping)
	}
	if err != nil {
		t.Errorf("%s: %s %s: %v", page, object.GetKind(), object.GetName(), err)
	}
	for _, problem := range compile.Source(source, mappings).Problems {
		t.Errorf("%s: %s %s: %v", page, object.GetKind(), object.GetName(), problem)
	}
}

// TestEveryFragmentFitsASpec decodes each fragment as a part of the spec of a Source or of a workflow action.
func TestEveryFragmentFitsASpec(t *testing.T) {
	_, fragments := blocks(t)
	for _, block := range fragments {
		source := yaml.UnmarshalStrict([]byte(block.text), &v1alpha1.SourceSpec{})
		action := yaml.UnmarshalStrict([]byte(block.text), &v1alpha1.TriggerWorkflow{})
		if source != nil && action != nil {
			t.Errorf("%s: not a part of a Source (%v), nor of triggerWorkflow (%v):\n%s", block.page, source, action, block.text)
		}
	}
}
