// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	apiac "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/status"
)

// apiServer is a fake status client: it counts the writes, and answers each with a resource version or an error.
type apiServer struct {
	client.SubResourceWriter
	version string
	err     error
	writes  int
}

func (s *apiServer) Status() client.SubResourceWriter { return s }

func (s *apiServer) Apply(_ context.Context, configuration runtime.ApplyConfiguration, _ ...client.SubResourceApplyOption) error {
	s.writes++
	if s.err == nil {
		configuration.(*apiac.ActionMappingApplyConfiguration).WithResourceVersion(s.version)
	}
	return s.err
}

const uid = types.UID("1")

func mappingAt(version string) *v1alpha1.ActionMapping {
	return &v1alpha1.ActionMapping{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "welcome", UID: uid, ResourceVersion: version}}
}

func write(t *testing.T, writer *status.Writer[string], current, next string) (bool, error) {
	t.Helper()
	configuration := apiac.ActionMapping("welcome", "production").WithUID(uid)
	return writer.Write(t.Context(), current, next, configuration, configuration.ObjectMetaApplyConfiguration)
}

func TestStatusWriterWritesOnlyWhatChanged(t *testing.T) {
	gone := schema.GroupResource{Group: "doorbell.dev", Resource: "actionmappings"}
	for _, tc := range []struct {
		name          string
		current, next string
		err           error
		writes        int
		written       bool
		fails         bool
	}{
		{name: "an equal status is not written", current: "a", next: "a"},
		{name: "a changed status is written", current: "a", next: "b", writes: 1, written: true},
		{name: "a deleted resource is no error", current: "a", next: "b", err: apierrors.NewNotFound(gone, "welcome"), writes: 1},
		{name: "a later resource of the same name is no error", current: "a", next: "b", err: apierrors.NewConflict(gone, "welcome", errors.New("UID")), writes: 1},
		{name: "another error is returned", current: "a", next: "b", err: errors.New("connection lost"), writes: 1, fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := &apiServer{version: "100", err: tc.err}
			written, err := write(t, status.NewWriter[string](server), tc.current, tc.next)
			if written != tc.written || (err != nil) != tc.fails || server.writes != tc.writes {
				t.Errorf("got written %v, error %v, %d writes", written, err, server.writes)
			}
		})
	}
}

func TestWrittenStatusIsUsedUntilTheCacheHasIt(t *testing.T) {
	for _, tc := range []struct {
		name, version, want string
	}{
		{"the cache has an older version", "99", "written"},
		{"the cache has the written version", "100", "cached"},
		{"the cache has a later version", "1000", "cached"},
		{"the versions cannot be compared", "x", "cached"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			writer := status.NewWriter[string](&apiServer{version: "100"})
			if _, err := write(t, writer, "cached", "written"); err != nil {
				t.Fatal(err)
			}
			if got := writer.Latest(mappingAt(tc.version), "cached"); got != tc.want {
				t.Errorf("got %s; want %s", got, tc.want)
			}
			events := writer.Predicate(nil)
			if events.Update(event.UpdateEvent{ObjectNew: mappingAt(tc.version)}) {
				t.Error("the predicate let an update pass")
			}
			if got := writer.Latest(mappingAt("1"), "cached"); got != tc.want {
				t.Errorf("after the cache showed version %s: got %s; want %s", tc.version, got, tc.want)
			}
			if events.Delete(event.DeleteEvent{Object: mappingAt(tc.version)}) {
				t.Error("the predicate let a deletion pass")
			}
			if got := writer.Latest(mappingAt("1"), "cached"); got != "cached" {
				t.Errorf("after the resource was deleted: got %s; want cached", got)
			}
		})
	}
}
