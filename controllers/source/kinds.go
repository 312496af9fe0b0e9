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
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The kinds that are read by name.
func deployments() schema.GroupVersionKind { return appsv1.SchemeGroupVersion.WithKind("Deployment") }

func statefulSets() schema.GroupVersionKind { return appsv1.SchemeGroupVersion.WithKind("StatefulSet") }
func secretKind() schema.GroupVersionKind   { return corev1.SchemeGroupVersion.WithKind("Secret") }
func configMaps() schema.GroupVersionKind   { return corev1.SchemeGroupVersion.WithKind("ConfigMap") }
func podKind() schema.GroupVersionKind      { return corev1.SchemeGroupVersion.WithKind("Pod") }

// Kinds lists what a Source may own on any cluster.
func Kinds() []schema.GroupVersionKind {
	return append(cachedKinds(), secretKind(), configMaps())
}

// cachedKinds are those that the cache holds whole, unstructured; of the others it holds the metadata.
func cachedKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		deployments(), statefulSets(),
		corev1.SchemeGroupVersion.WithKind("Service"),
		networkingv1.SchemeGroupVersion.WithKind("Ingress"),
		networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
		autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
	}
}

// httpRouteKind is the kind of the Gateway API. It is not among Kinds, because not every cluster has it.
func httpRouteKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: gatewayv1.GroupVersion.Version, Kind: "HTTPRoute"}
}

func newObject(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}
