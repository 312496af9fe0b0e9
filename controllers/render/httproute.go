// SPDX-License-Identifier: Apache-2.0

package render

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// httpRoute routes host and path to the Service. Unstructured: the Gateway API is not among the built-in kinds.
func (r *renderer) httpRoute() runtime.ApplyConfiguration {
	wanted := r.spec.Endpoint.HTTPRoute
	var parents []any
	for _, ref := range wanted.ParentRefs {
		parent := map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": ref.Name}
		if ref.Namespace != "" {
			parent["namespace"] = ref.Namespace
		}
		if ref.SectionName != "" {
			parent["sectionName"] = ref.SectionName
		}
		parents = append(parents, parent)
	}
	route := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"spec": map[string]any{
			"parentRefs": parents, "hostnames": []any{r.spec.Endpoint.Host},
			"rules": []any{map[string]any{
				"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": path(r.Source)}}},
				"backendRefs": []any{map[string]any{"group": "", "kind": "Service", "name": IngestName(r.Source), "port": int64(servicePort)}},
			}},
		},
	}}
	route.SetName(IngestName(r.Source))
	route.SetNamespace(r.Source.Namespace)
	route.SetLabels(r.labels(ComponentIngest))
	if len(wanted.Annotations) > 0 {
		route.SetAnnotations(wanted.Annotations)
	}
	yes := true
	route.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Source", Name: r.Source.Name, UID: r.Source.UID,
		Controller: &yes, BlockOwnerDeletion: &yes,
	}})
	return client.ApplyConfigurationFromUnstructured(route)
}
