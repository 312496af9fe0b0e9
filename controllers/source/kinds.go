// SPDX-License-Identifier: Apache-2.0

package source

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The kinds that are read by name.
func deployments() schema.GroupVersionKind { return appsv1.SchemeGroupVersion.WithKind("Deployment") }

func statefulSets() schema.GroupVersionKind { return appsv1.SchemeGroupVersion.WithKind("StatefulSet") }
func secretKind() schema.GroupVersionKind   { return corev1.SchemeGroupVersion.WithKind("Secret") }
func configMaps() schema.GroupVersionKind   { return corev1.SchemeGroupVersion.WithKind("ConfigMap") }
func podKind() schema.GroupVersionKind      { return corev1.SchemeGroupVersion.WithKind("Pod") }

// HTTPRoutes is the kind of the Gateway API that not every cluster has.
func HTTPRoutes() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
}

// Kinds lists what a Source may own, HTTPRoutes only where the cluster has them.
func Kinds(gatewayAPI bool) []schema.GroupVersionKind {
	return append(cachedKinds(gatewayAPI), secretKind(), configMaps())
}

// cachedKinds are those that the cache holds whole, unstructured; of the others it holds the metadata.
func cachedKinds(gatewayAPI bool) []schema.GroupVersionKind {
	kinds := []schema.GroupVersionKind{
		deployments(), statefulSets(),
		corev1.SchemeGroupVersion.WithKind("Service"),
		networkingv1.SchemeGroupVersion.WithKind("Ingress"),
		networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
		autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
	}
	if gatewayAPI {
		kinds = append(kinds, HTTPRoutes())
	}
	return kinds
}

// CachedObjects are one of each kind that the cache holds whole, for scoping it.
func CachedObjects(gatewayAPI bool) []client.Object {
	var objects []client.Object
	for _, kind := range cachedKinds(gatewayAPI) {
		objects = append(objects, newObject(kind))
	}
	return objects
}

func newObject(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}
