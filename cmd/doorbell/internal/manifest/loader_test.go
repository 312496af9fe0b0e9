// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
)

func TestReloadStoresTheLastAcceptedVersionOfEachObject(t *testing.T) {
	const (
		stored       = "ActionMapping default/big-order on track/order_completed of a.yaml"
		storedSecret = "Secret default/knock of a.yaml"
		bracket      = "invalid YAML: did not find expected ',' or ']'; correct the indentation, or put the whole value in quotes"
	)
	const deleted = ""
	identify := strings.Replace(mapping, "track/order_completed", "identify", 1)
	loader := newLoader(t)
	for _, tc := range []struct {
		name   string
		change map[string]string // of a.yaml, which has the Secret and the mapping, and of other files
		want   []string
	}{
		{"a valid change replaces the object", map[string]string{"a.yaml": join(secret, identify)}, []string{
			"ActionMapping default/big-order on identify of a.yaml", storedSecret,
		}},
		{"deleting the file deletes its objects", map[string]string{"a.yaml": deleted}, nil},
		{"removing an object from its file deletes it", map[string]string{"a.yaml": secret}, []string{storedSecret}},
		{"invalid YAML changes nothing", map[string]string{"a.yaml": "a: [b\n"}, []string{stored, storedSecret, "a.yaml:1: " + bracket}},
		{"an empty file changes nothing", map[string]string{"a.yaml": "\n"}, []string{
			stored, storedSecret, "a.yaml: no objects; to remove the objects that it had, delete the file",
		}},
		{"an object with a mistake keeps its version, and the other objects change", map[string]string{
			"a.yaml": join(strings.Replace(identify, "recipients: body.userId", "recipients: 3", 1), strings.Replace(secret, "name: knock", "name: key", 1)),
		}, []string{
			stored, "Secret default/key of a.yaml",
			"a.yaml:10: spec.triggerWorkflow.recipients: must be of type string, not integer; put it in quotes",
		}},
		{"an object of an unknown kind may be any object", map[string]string{"a.yaml": join(secret, strings.Replace(identify, "kind: Action", "kind: Acton", 1))}, []string{
			stored, storedSecret, "a.yaml:7: kind: must be Source or ActionMapping",
		}},
		{"an object without apiVersion and kind may be any object", map[string]string{"a.yaml": join(secret, "spec: {}\n")}, []string{
			stored, storedSecret, "a.yaml:6: ignored a document without kind",
		}},
		{"an object with an invalid name may be any object", map[string]string{"a.yaml": join(secret, strings.Replace(identify, "name: big-order", "name: 1", 1))}, []string{
			stored, storedSecret, "a.yaml:9: metadata.name: must be of type string, not number; put it in quotes",
		}},
		{"an object moves to another file", map[string]string{"a.yaml": secret, "b.yaml": mapping}, []string{
			"ActionMapping default/big-order on track/order_completed of b.yaml", storedSecret,
		}},
		{"an object moves out of a file that is now invalid", map[string]string{"a.yaml": "a: [b", "b.yaml": mapping}, []string{
			"ActionMapping default/big-order on track/order_completed of b.yaml", storedSecret, "a.yaml:1: " + bracket,
		}},
		{"a copy does not replace the original", map[string]string{"0.yaml": identify}, []string{
			stored, storedSecret,
			"0.yaml:4: metadata.name: ActionMapping default/big-order is also in a.yaml:9, and Doorbell uses that one; rename or remove one",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begin(t, loader, map[string]string{"a.yaml": join(secret, mapping)})
			first := describe(loader.Load(t.Context(), manifestdir.Scan([]string{"."})))
			if diff := cmp.Diff([]string{stored, storedSecret}, first); diff != "" {
				t.Fatalf("set before the change (-want +got):\n%s", diff)
			}
			for path, content := range tc.change {
				if content == deleted {
					os.Remove(path)
				} else {
					write(t, map[string]string{path: content})
				}
			}
			for range 2 { // loading again without a change gives the same set
				got := describe(loader.Load(t.Context(), manifestdir.Scan([]string{"."})))
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("set (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestReloadKeepsTheObjectsOfAFileThatIsChanging(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": mapping})
	listing := manifestdir.Scan([]string{"a.yaml"})
	want := describe(loader.Load(t.Context(), listing))

	write(t, map[string]string{"a.yaml": "half of"})
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), listing))); diff != "" {
		t.Errorf("set after the listed file was written (-want +got):\n%s", diff)
	}
	os.Remove("a.yaml")
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), listing))); diff != "" {
		t.Errorf("set after the listed file was deleted (-want +got):\n%s", diff)
	}
}

func TestReloadKeepsTheObjectsOfPathsThatCannotBeRead(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"d/a.yaml": mapping})
	want := describe(loader.Load(t.Context(), manifestdir.Scan([]string{"d"})))
	for _, path := range []string{"d", ".", "d/a.yaml"} {
		unreadable := manifestdir.Listing{Unreadable: []string{path}}
		if diff := cmp.Diff(want, describe(loader.Load(t.Context(), unreadable))); diff != "" {
			t.Errorf("set while %s is unreadable (-want +got):\n%s", path, diff)
		}
	}
	if got := describe(loader.Load(t.Context(), manifestdir.Listing{})); len(got) > 0 {
		t.Errorf("set after the directory was deleted: %v", got)
	}
}

func TestReloadKeepsTheObjectsOfAFileThatIsTooLarge(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": mapping})
	valid := describe(loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"})))

	write(t, map[string]string{"a.yaml": mapping + strings.Repeat("#\n", 3<<20)})
	want := []string{valid[0], "a.yaml: larger than 5 MiB; split the file"}
	if diff := cmp.Diff(want, describe(loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"})))); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	write(t, map[string]string{"a.yaml": mapping})
	if diff := cmp.Diff(valid, describe(loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"})))); diff != "" {
		t.Errorf("set after the file was corrected (-want +got):\n%s", diff)
	}
}

func TestLoadNamesMissingPaths(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, nil)
	got := describe(loader.Load(t.Context(), manifestdir.Scan([]string{"missing"})))
	if diff := cmp.Diff([]string{"missing: no such file or directory"}, got); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}
