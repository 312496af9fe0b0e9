// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/doorbell-dev/doorbell/controllers/status"
)

func TestMappingStoreNotifiesOnlyOfChangedResults(t *testing.T) {
	source := types.NamespacedName{Namespace: "production", Name: "shop"}
	store := status.NewMappingStore()
	var notified []string
	store.Subscribe(func(mapping types.NamespacedName) { notified = append(notified, mapping.String()) })
	waiting := status.Result{UID: "1", Generation: 1, PendingReason: "Progressing", PendingMessage: "pods"}
	live := status.Result{UID: "1", Generation: 1, LiveSince: "v1"}
	for _, step := range []struct {
		name     string
		publish  status.Result
		want     status.Result
		notified []string
	}{
		{"a new result is stored and notified", waiting, waiting, []string{"production/welcome"}},
		{"an equal result is not notified", waiting, waiting, nil},
		{"a mapping becomes live", live, live, []string{"production/welcome"}},
		{"a live mapping keeps the version in which it became live", status.Result{UID: "1", Generation: 1, LiveSince: "v2"}, live, nil},
		{"a live mapping stays live while pods load a later configuration", waiting, live, nil},
		{
			"a new generation is pending",
			status.Result{UID: "1", Generation: 2, PendingMessage: "pods"},
			status.Result{UID: "1", Generation: 2, PendingMessage: "pods"},
			[]string{"production/welcome"},
		},
		{"a new generation becomes live", status.Result{UID: "1", Generation: 2, LiveSince: "v2"}, status.Result{UID: "1", Generation: 2, LiveSince: "v2"}, []string{"production/welcome"}},
		{
			"another mapping of the same name and generation is pending",
			status.Result{UID: "2", Generation: 2, PendingMessage: "pods"},
			status.Result{UID: "2", Generation: 2, PendingMessage: "pods"},
			[]string{"production/welcome"},
		},
		{
			"a rejected mapping is not live",
			status.Result{UID: "2", Generation: 2, RejectReason: "Duplicate"},
			status.Result{UID: "2", Generation: 2, RejectReason: "Duplicate"},
			[]string{"production/welcome"},
		},
	} {
		notified = nil
		store.Replace(source, map[string]status.Result{"welcome": step.publish})
		got, _ := store.Get(source, "welcome")
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		if diff := cmp.Diff(step.notified, notified); diff != "" {
			t.Errorf("%s: notified %s", step.name, diff)
		}
	}
	store.Delete(source)
	if _, known := store.Get(source, "welcome"); known {
		t.Error("the results of a deleted Source are still stored")
	}
}
