// SPDX-License-Identifier: Apache-2.0

// Package examples_test checks the manifests in config/samples and docs/examples: they compile without problems, and the
// events that they describe cause the calls that they promise.
package examples_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/test/manifest"
)

const (
	samples  = "../../config/samples"
	examples = "../../docs/examples"
)

func TestEveryExampleCompiles(t *testing.T) {
	files, err := filepath.Glob(examples + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("examples %v: %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, result := range compiled(t, file, filepath.Join(samples, "source.yaml")) {
				for _, problem := range result.Problems {
					t.Error(problem)
				}
			}
		})
	}
}

func TestTheExamplesMakeTheCallsThatTheyPromise(t *testing.T) {
	for name, test := range map[string]struct {
		file, source, event string
		want                []string
	}{
		"a custom source identifies users": {
			"custom-source.yaml", "billing",
			`{"type": "user.created", "id": "evt_1", "user": {"id": "u_481", "email": "grace@example.com"}}`,
			[]string{"PUT /v1/users/u_481"},
		},
		"a user who follows a project is subscribed to its object": {
			"object-subscriptions.yaml", "rudderstack",
			`{"type": "track", "event": "Project Followed", "userId": "u_481", "properties": {"project_id": "p_1", "role": "admin"}}`,
			[]string{"POST /v1/objects/projects/p_1/subscriptions"},
		},
		"a user who no longer follows a project is unsubscribed": {
			"object-subscriptions.yaml", "rudderstack",
			`{"type": "track", "event": "Project Unfollowed", "userId": "u_481", "properties": {"project_id": "p_1"}}`,
			[]string{"DELETE /v1/objects/projects/p_1/subscriptions"},
		},
		"a new project becomes an object": {
			"object-subscriptions.yaml", "rudderstack",
			`{"type": "track", "event": "Project Created", "userId": "u_481", "properties": {"project_id": "p_1", "name": "Apollo"}}`,
			[]string{"PUT /v1/objects/projects/p_1"},
		},
		"a release notifies the subscribers of the project": {
			"object-subscriptions.yaml", "rudderstack",
			`{"type": "track", "event": "Project Released", "userId": "u_481", "properties": {"project_id": "p_1"}}`,
			[]string{"POST /v1/workflows/project-released/trigger"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			result, ok := compiled(t, filepath.Join(examples, test.file), filepath.Join(samples, "source.yaml"))[test.source]
			if !ok {
				t.Fatalf("there is no Source %s", test.source)
			}
			e := &event.Event{Body: []byte(test.event)}
			if err := result.Program.Identify(e, nil); err != nil {
				t.Fatal(err)
			}
			var calls []string
			for _, action := range result.Program.Plan(e).Actions {
				for _, request := range action.Requests {
					path, err := url.PathUnescape(request.Path)
					if err != nil {
						t.Fatal(err)
					}
					calls = append(calls, request.Method+" "+path)
				}
			}
			if diff := cmp.Diff(test.want, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// compiled compiles the Sources of some files with the ActionMappings of the same files, and returns them by name. If two
// files have a Source of the same name, the first one is used.
func compiled(t *testing.T, files ...string) map[string]compile.Result {
	t.Helper()
	sources, mappings := map[string]*v1alpha1.Source{}, map[string][]*v1alpha1.ActionMapping{}
	for _, file := range files {
		stream, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := manifest.Objects(stream)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			switch object.GetKind() {
			case "Source":
				source := &v1alpha1.Source{}
				decode(t, object.Object, source)
				if sources[source.Name] == nil {
					sources[source.Name] = source
				}
			case "ActionMapping":
				mapping := &v1alpha1.ActionMapping{}
				decode(t, object.Object, mapping)
				mappings[mapping.Spec.SourceRef.Name] = append(mappings[mapping.Spec.SourceRef.Name], mapping)
			}
		}
	}
	results := map[string]compile.Result{}
	for name, source := range sources {
		results[name] = compile.Source(source, mappings[name])
	}
	return results
}

// decode converts an object strictly: unknown fields are errors.
func decode(t *testing.T, object map[string]any, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, into, true); err != nil {
		t.Fatal(err)
	}
}
