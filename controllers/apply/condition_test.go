// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

func TestConditionOfComponentReportsItsFailures(t *testing.T) {
	for component, want := range map[string]string{
		render.ComponentEndpoint: v1alpha1.ConditionEndpointReady,
		render.ComponentRedis:    v1alpha1.ConditionRedisReady,
		render.ComponentIngest:   v1alpha1.ConditionIngestReady,
	} {
		object := &unstructured.Unstructured{}
		object.SetLabels(map[string]string{render.LabelComponent: component})
		if got := (&target{object: object}).condition(); got != want {
			t.Errorf("component %s: got %s; want %s", component, got, want)
		}
	}
}
