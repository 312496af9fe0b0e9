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

func deploymentKind() schema.GroupVersionKind {
	return appsv1.SchemeGroupVersion.WithKind("Deployment")
}

func statefulSetKind() schema.GroupVersionKind {
	return appsv1.SchemeGroupVersion.WithKind("StatefulSet")
}

func secretKind() schema.GroupVersionKind    { return corev1.SchemeGroupVersion.WithKind("Secret") }
func configMapKind() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind("ConfigMap") }
func podKind() schema.GroupVersionKind       { return corev1.SchemeGroupVersion.WithKind("Pod") }

// Kinds returns the kinds that a Source can own on every cluster.
func Kinds() []schema.GroupVersionKind {
	return append(cachedKinds(), secretKind(), configMapKind())
}

// cachedKinds returns the kinds of which the cache contains whole objects, unstructured. Of Secrets and ConfigMaps it contains only the
// metadata.
func cachedKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		deploymentKind(), statefulSetKind(),
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
