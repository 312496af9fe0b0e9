// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/folder"
)

func TestReloadKeepsTheLastGoodVersion(t *testing.T) {
	const (
		live   = "ActionMapping default/big-order on track/order_completed of a.yaml"
		stored = "Secret default/knock of a.yaml"
	)
	const gone = ""
	loader := newLoader(t)
	for _, tc := range []struct {
		name   string
		change map[string]string // to a.yaml, which holds the Secret and the mapping; "" deletes
		want   []string
	}{
		{"a change is taken", map[string]string{"a.yaml": join(secret, strings.Replace(mapping, "track/order_completed", "identify", 1))}, []string{
			"ActionMapping default/big-order on identify of a.yaml", stored,
		}},
		{"a deleted file is a deletion", map[string]string{"a.yaml": gone}, nil},
		{"an object taken out of its file is a deletion", map[string]string{"a.yaml": secret}, []string{stored}},
		{"broken YAML keeps all", map[string]string{"a.yaml": "a: [b\n"}, []string{
			live + ", stale", stored + ", stale",
			"a.yaml:1: not YAML: the bracket is not closed, or something follows it; if this is an expression, put it in quotes",
		}},
		{"an empty file keeps all", map[string]string{"a.yaml": "\n"}, []string{
			live + ", stale", stored + ", stale",
			"a.yaml: holds no object; to take its objects out of service, delete the file",
		}},
		{"an object with a mistake keeps its version, and the others go on", map[string]string{"a.yaml": strings.Replace(mapping, "recipients: body.userId", "recipients: 3", 1)}, []string{
			live + ", stale",
			"a.yaml:10: spec.triggerWorkflow.recipients: must be a string, not an integer; put it in quotes",
		}},
		{"an object that cannot be named keeps whatever it may have been", map[string]string{"a.yaml": join(secret, strings.Replace(mapping, "kind: Action", "kind: Acton", 1))}, []string{
			live + ", stale", stored,
			"a.yaml:7: kind: there is no kind ActonMapping; did you mean ActionMapping?",
		}},
		{"an object without apiVersion and kind likewise", map[string]string{"a.yaml": join(secret, "spec: {}\n")}, []string{
			live + ", stale", stored,
			"a.yaml:6: a document without kind: left alone",
		}},
		{"an object with a name that cannot be likewise", map[string]string{"a.yaml": join(secret, strings.Replace(mapping, "big-order", "Big", 1))}, []string{
			live + ", stale", stored,
			`a.yaml:9: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (found "Big")`,
		}},
		{"an object moved to another file", map[string]string{"a.yaml": secret, "b.yaml": mapping}, []string{
			"ActionMapping default/big-order on track/order_completed of b.yaml", stored,
		}},
		{"an object moved out of a file that is broken", map[string]string{"a.yaml": "[", "b.yaml": mapping}, []string{
			"ActionMapping default/big-order on track/order_completed of b.yaml", stored + ", stale",
			"a.yaml:1: not YAML: the bracket is not closed, or something follows it; if this is an expression, put it in quotes",
		}},
		{"a copy does not replace the original", map[string]string{"0.yaml": strings.Replace(mapping, "track/order_completed", "identify", 1)}, []string{
			live, stored,
			"0.yaml:4: metadata.name: ActionMapping default/big-order is in a.yaml:9 too, and that one is used; rename or remove one",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begin(t, loader, map[string]string{"a.yaml": join(secret, mapping)})
			if first := describe(loader.Load(t.Context(), folder.Scan([]string{"."}))); !cmp.Equal(first, []string{live, stored}) {
				t.Fatalf("before the change: %q", first)
			}
			for path, content := range tc.change {
				if content == gone {
					os.Remove(path)
				} else {
					write(t, map[string]string{path: content})
				}
			}
			for range 2 { // it stays so when nothing changes further
				got := describe(loader.Load(t.Context(), folder.Scan([]string{"."})))
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("set (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestReloadLeavesAFileInMotionAsItWas(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": mapping})
	listing := folder.Scan([]string{"a.yaml"})
	want := describe(loader.Load(t.Context(), listing))

	write(t, map[string]string{"a.yaml": "half of"})
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), listing))); diff != "" {
		t.Errorf("written since it was listed (-want +got):\n%s", diff)
	}
	os.Remove("a.yaml")
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), listing))); diff != "" {
		t.Errorf("deleted since it was listed (-want +got):\n%s", diff)
	}
}

func TestReloadRecoversFromAFileThatCannotBeRead(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": mapping})
	good := describe(loader.Load(t.Context(), folder.Scan([]string{"a.yaml"})))

	write(t, map[string]string{"a.yaml": mapping + strings.Repeat("#\n", 3<<20)})
	want := []string{good[0] + ", stale", "a.yaml: larger than 5 MiB; split it"}
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), folder.Scan([]string{"a.yaml"})))); diff != "" {
		t.Errorf("while unreadable (-want +got):\n%s", diff)
	}
	write(t, map[string]string{"a.yaml": mapping})
	if diff := cmp.Diff(good, describe(loader.Load(t.Context(), folder.Scan([]string{"a.yaml"})))); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

func TestLoadNamesPathsThatAreNotThere(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, nil)
	got := describe(loader.Load(t.Context(), folder.Scan([]string{"missing"})))
	if diff := cmp.Diff([]string{"missing: no such file or folder"}, got); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}
