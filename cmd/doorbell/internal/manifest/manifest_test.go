// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/folder"
)

// newLoader checks with the CRDs of this repository. Make it once a test, before the test changes its folder: compiling
// the rules takes a while.
func newLoader(t testing.TB) *manifest.Loader {
	t.Helper()
	loader, err := manifest.NewLoader(os.DirFS("../../../../config/crd"))
	if err != nil {
		t.Fatal(err)
	}
	return loader
}

// begin goes to an empty folder with the files, and has the loader forget the case before.
func begin(t *testing.T, loader *manifest.Loader, files map[string]string) {
	t.Helper()
	loader.Load(t.Context(), folder.Listing{})
	t.Chdir(t.TempDir())
	write(t, files)
}

// write makes files in the current folder.
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

// describe says in short what a set holds.
func describe(set *manifest.Set) []string {
	var lines []string
	for _, s := range set.Sources {
		lines = append(lines, mark("Source "+s.Object.Namespace+"/"+s.Object.Name+" of "+s.File, s.Stale))
	}
	for _, m := range set.Mappings {
		lines = append(lines, mark("ActionMapping "+m.Object.Namespace+"/"+m.Object.Name+" on "+m.Object.Spec.Event+" of "+m.File, m.Stale))
	}
	for _, s := range set.Secrets {
		lines = append(lines, mark("Secret "+s.Object.Namespace+"/"+s.Object.Name+" of "+s.File, s.Stale))
	}
	for _, i := range set.Ignored {
		lines = append(lines, i.String())
	}
	for _, p := range set.Problems {
		lines = append(lines, mistake(p))
	}
	return lines
}

func mark(line string, stale bool) string {
	if stale {
		return line + ", stale"
	}
	return line
}

func mistake(p manifest.Problem) string {
	if p.Warning {
		return "warning: " + p.Error()
	}
	return p.Error()
}

func TestLoadTakesWhatAClusterTakes(t *testing.T) {
	loader := newLoader(t)
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"objects of all kinds, from several files and folders",
			map[string]string{"a.yaml": join(source, mapping), "deep/er/b.yml": secret},
			[]string{
				"Source default/rudderstack of a.yaml",
				"ActionMapping default/big-order on track/order_completed of a.yaml",
				"Secret default/knock of deep/er/b.yml",
			},
		},
		{
			"other kinds are named and left alone",
			map[string]string{
				"a.yaml":             join(secret, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"),
				"kustomization.yaml": "resources: [a.yaml]\n",
				"values.yaml":        "replicas: 1\n",
				"flux.yaml":          "apiVersion: example.com/v1\nkind: Source\nmetadata: {name: other}\n",
			},
			[]string{
				"Secret default/knock of a.yaml",
				"a.yaml:6: Deployment web: left alone",
				"flux.yaml:1: Source other: left alone",
				"kustomization.yaml: Kustomization: left alone",
				"values.yaml:1: a document without kind: left alone",
			},
		},
		{
			"a Secret that is a template, and a Namespace without a word",
			map[string]string{
				"a.yaml": join(source, strings.Replace(secret, "{name: knock}", "{name: knock, annotations: {doorbell.dev/template: 'true'}}", 1)),
				"b.yaml": join("apiVersion: v1\nkind: Namespace\nmetadata: {name: production}\n",
					strings.Replace(secret, "{name: knock}", "{name: other, annotations: {doorbell.dev/template: 'false'}}", 1)),
			},
			[]string{
				"Source default/rudderstack of a.yaml",
				"Secret default/other of b.yaml",
				"a.yaml:8: Secret knock: left alone, a template: write your key into it and remove the annotation doorbell.dev/template, or set KNOCK_API_KEY",
			},
		},
		{
			"the items of a List",
			map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(mapping), "\n", "\n  ") + "\n- kind: Source\n  apiVersion: v2\n"},
			[]string{
				"ActionMapping default/big-order on track/order_completed of a.yaml",
				"a.yaml:15: apiVersion: Source is of apiVersion doorbell.dev/v1alpha1; write that",
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
			set := loader.Load(t.Context(), folder.Scan([]string{"."}))
			if diff := cmp.Diff(tc.want, describe(set)); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadFillsIn(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": join(source, mapping, "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\ndata: {a: b25l, b: dHdv}\nstringData: {b: three}\n")})
	set := loader.Load(t.Context(), folder.Scan([]string{"a.yaml"}))

	if len(set.Problems) > 0 {
		t.Fatalf("problems: %v", set.Problems)
	}
	if active := set.Mappings[0].Object.Spec.Active; active == nil || !*active {
		t.Error("the schema's default of spec.active is not filled in")
	}
	want := map[string][]byte{"a": []byte("one"), "b": []byte("three")}
	if diff := cmp.Diff(want, set.Secrets[0].Object.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	file, line := set.Mappings[0].Position("spec.triggerWorkflow.recipients")
	if file != "a.yaml" || line != 17 {
		t.Errorf("recipients are at %s:%d, want a.yaml:17", file, line)
	}
	problem := set.Mappings[0].Problem("spec.triggerWorkflow.data[total]", "no such path")
	if got, want := problem.Error(), "a.yaml:15: spec.triggerWorkflow.data[total]: no such path"; got != want {
		t.Errorf("problem %q, want %q", got, want)
	}
}

func TestTheSamplesAreGood(t *testing.T) {
	set := newLoader(t).Load(t.Context(), folder.Scan([]string{"../../../../config/samples"}))
	for _, problem := range set.Problems {
		t.Error(problem)
	}
	if len(set.Sources) == 0 || len(set.Mappings) == 0 {
		t.Errorf("%d Sources and %d ActionMappings", len(set.Sources), len(set.Mappings))
	}
}

func TestLoaderNeedsTheCRDs(t *testing.T) {
	if _, err := manifest.NewLoader(os.DirFS(t.TempDir())); err == nil {
		t.Error("a loader without CRDs was made")
	}
}
