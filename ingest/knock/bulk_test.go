// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestARowHasTheIDAndTheBodyOfASingleIdentify(t *testing.T) {
	for _, id := range []string{"u1", "a+b c@example.com", "100%", "ü"} {
		identify, err := knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{"name":"<Ann>"}`), id)
		user, ok := knock.NewBulkUser(must(t, identify, err))
		if diff := cmp.Diff(knock.BulkUser{ID: id, Body: []byte(`{"name":"<Ann>"}`)}, user); !ok || diff != "" {
			t.Errorf("%q: %t (-want +got)\n%s", id, ok, diff)
		}
	}
}

func TestOnlyAnIdentifyBecomesARow(t *testing.T) {
	merge, err := knock.NewRequestWithBody(knock.MergeUser, []byte(`{"from_user_id":"u2"}`), "u1")
	if _, ok := knock.NewBulkUser(must(t, merge, err)); ok {
		t.Error("a merge became a row")
	}
	for _, path := range []string{"", "/v1/users/", "/v1/users/a/b", "/v1/users/%zz", "/v1/objects/a"} {
		if _, ok := knock.NewBulkUser(knock.Request{Endpoint: knock.IdentifyUser, Path: path}); ok {
			t.Errorf("an identify with the path %q became a row", path)
		}
	}
}
