// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// newLoader returns a loader with the CRDs of this repository. A test calls it once, because compiling the rules takes a
// while, and before it changes its working directory.
func newLoader(t testing.TB) *manifest.Loader {
	t.Helper()
	loader, err := manifest.NewLoader(os.DirFS("../../../../config/crd"))
	if err != nil {
		t.Fatal(err)
	}
	return loader
}

// begin changes to a new directory with the files, and deletes the objects that the loader stored before.
func begin(t *testing.T, loader *manifest.Loader, files map[string]string) {
	t.Helper()
	loader.Load(t.Context(), manifestdir.Listing{})
	t.Chdir(t.TempDir())
	write(t, files)
}

// write makes files in the current manifestdir.
func write(t testing.TB, files map[string]string) {
	t.Helper()
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const source = `apiVersion: doorbell.dev/v1alpha1
kind: Source
metadata: {name: rudderstack}
spec:
  type: RudderStack
  knock: {apiKeySecretRef: {name: knock, key: apiKey}}
`

const mapping = `apiVersion: doorbell.dev/v1alpha1
kind: ActionMapping
metadata:
  name: big-order
spec:
  sourceRef: {name: rudderstack}
  event: track/order_completed
  triggerWorkflow:
    workflow: order-completed
    recipients: body.userId
`

const secret = `apiVersion: v1
kind: Secret
metadata: {name: knock}
stringData: {apiKey: sk_test_1}
`

func join(documents ...string) string { return strings.Join(documents, "---\n") }

// describe returns the contents of a set, one line each.
func describe(set *manifest.Set) []string {
	var lines []string
	for _, s := range set.Sources {
		lines = append(lines, "Source "+s.Object.Namespace+"/"+s.Object.Name+" of "+s.Locate(problem.Problem{}).File)
	}
	for _, m := range set.Mappings {
		lines = append(lines, "ActionMapping "+m.Object.Namespace+"/"+m.Object.Name+" on "+m.Object.Spec.Event+" of "+m.Locate(problem.Problem{}).File)
	}
	for _, s := range set.Secrets {
		lines = append(lines, "Secret "+s.Object.Namespace+"/"+s.Object.Name+" of "+s.Locate(problem.Problem{}).File)
	}
	lines = append(lines, set.Ignored...)
	for _, p := range set.Problems {
		lines = append(lines, line(p))
	}
	return lines
}

func line(p problem.Problem) string {
	if p.Warning {
		return "warning: " + p.Error()
	}
	return p.Error()
}

func TestLoadAcceptsWhatAClusterAccepts(t *testing.T) {
	loader := newLoader(t)
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"objects of all kinds, in several files and directories",
			map[string]string{"a.yaml": join(source, mapping), "deep/er/b.yml": secret},
			[]string{
				"Source default/rudderstack of a.yaml",
				"ActionMapping default/big-order on track/order_completed of a.yaml",
				"Secret default/knock of deep/er/b.yml",
			},
		},
		{
			"objects of other kinds are ignored, and named",
			map[string]string{
				"a.yaml":             join(secret, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"),
				"kustomization.yaml": "resources: [a.yaml]\n",
				"values.yaml":        "replicas: 1\n",
				"flux.yaml":          "apiVersion: example.com/v1\nkind: Source\nmetadata: {name: other}\n",
			},
			[]string{
				"Secret default/knock of a.yaml",
				"a.yaml:6: ignored Deployment web",
				"flux.yaml:1: ignored Source other",
				"kustomization.yaml:1: ignored a document without kind",
				"values.yaml:1: ignored a document without kind",
			},
		},
		{
			"a Secret that is a template is ignored, and a Namespace is not worth a message",
			map[string]string{
				"a.yaml": join(source, strings.Replace(secret, "{name: knock}", "{name: knock, annotations: {doorbell.dev/template: 'true'}}", 1)),
				"b.yaml": join("apiVersion: v1\nkind: Namespace\nmetadata: {name: production}\n",
					strings.Replace(secret, "{name: knock}", "{name: other, annotations: {doorbell.dev/template: 'false'}}", 1)),
			},
			[]string{
				"Source default/rudderstack of a.yaml",
				"Secret default/other of b.yaml",
				"a.yaml:8: ignored Secret knock, which is a template; write your key into it and remove the annotation doorbell.dev/template, or set KNOCK_API_KEY",
			},
		},
		{
			"the items of a List",
			map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(mapping), "\n", "\n  ") + "\n- kind: Source\n  apiVersion: doorbell.dev/v2\n"},
			[]string{
				"ActionMapping default/big-order on track/order_completed of a.yaml",
				"a.yaml:15: apiVersion: must be doorbell.dev/v1alpha1",
			},
		},
		{
			"empty documents, comments, a byte order mark and CRLF",
			map[string]string{"a.yaml": "\ufeff# begin\r\n---\r\n---\r\n" + strings.ReplaceAll(secret, "\n", "\r\n") + "---\r\nnull\r\n---  # end\r\n"},
			[]string{"Secret default/knock of a.yaml"},
		},
		{
			"an anchor, an alias and a merge",
			map[string]string{"a.yaml": strings.Replace(mapping, "spec:\n", "spec: &spec\n  <<: {event: identify}\n", 1)},
			[]string{"ActionMapping default/big-order on track/order_completed of a.yaml"},
		},
		{
			"base64 on several lines",
			map[string]string{"a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: knock}\ndata:\n  a: |\n    YWFh\n    YQ==\n"},
			[]string{"Secret default/knock of a.yaml"},
		},
		{
			"equal names in different namespaces",
			map[string]string{"a.yaml": join(secret, strings.Replace(secret, "name: knock", "name: knock, namespace: production", 1))},
			[]string{"Secret default/knock of a.yaml", "Secret production/knock of a.yaml"},
		},
		{
			"an applied status is ignored",
			map[string]string{"a.yaml": mapping + "status: {observedGeneration: -3}\n"},
			[]string{"ActionMapping default/big-order on track/order_completed of a.yaml"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begin(t, loader, tc.files)
			set := loader.Load(t.Context(), manifestdir.Scan([]string{"."}))
			if diff := cmp.Diff(tc.want, describe(set)); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadFillsInDefaultsAndSecretData(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": join(source, mapping, "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\ndata: {a: b25l, b: dHdv}\nstringData: {b: three}\n")})
	set := loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"}))

	if len(set.Problems) > 0 {
		t.Fatalf("problems: %v", set.Problems)
	}
	if active := set.Mappings[0].Object.Spec.Active; active == nil || !*active {
		t.Error("spec.active lacks the default of the schema")
	}
	want := map[string][]byte{"a": []byte("one"), "b": []byte("three")}
	if diff := cmp.Diff(want, set.Secrets[0].Object.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	for field, want := range map[string]string{
		"spec.triggerWorkflow.recipients":  "a.yaml:17: spec.triggerWorkflow.recipients: unknown",
		"spec.triggerWorkflow.data[total]": "a.yaml:15: spec.triggerWorkflow.data[total]: unknown",
	} {
		if got := set.Mappings[0].Locate(problem.Problem{Field: field, Message: "unknown"}).Error(); got != want {
			t.Errorf("problem %q, want %q", got, want)
		}
	}
}

func TestTheSamplesHaveNoProblems(t *testing.T) {
	set := newLoader(t).Load(t.Context(), manifestdir.Scan([]string{"../../../../config/samples"}))
	for _, problem := range set.Problems {
		t.Error(problem)
	}
	if len(set.Sources) == 0 || len(set.Mappings) == 0 {
		t.Errorf("%d Sources and %d ActionMappings", len(set.Sources), len(set.Mappings))
	}
}

func TestNewLoaderFailsWithoutTheCRDs(t *testing.T) {
	if _, err := manifest.NewLoader(os.DirFS(t.TempDir())); err == nil {
		t.Error("NewLoader succeeded without CRDs")
	}
}
