// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

func drift(_ *testing.T, s *scene) {
	s.remove(&corev1.Service{}, "shop-ingest")
	s.patch(&corev1.ConfigMap{}, "shop-document-0", `{"binaryData":{"part-0":"AAAA"}}`)
	s.patch(&appsv1.Deployment{}, "shop-ingest", `{"spec":{"replicas":7}}`)
	s.eventually("every object is restored", func() string {
		part, deployment := &corev1.ConfigMap{}, &appsv1.Deployment{}
		s.get(part, "shop-document-0")
		s.get(deployment, "shop-ingest")
		if back := s.get(&corev1.Service{}, "shop-ingest"); !back || len(part.BinaryData["part-0"]) < 4 || *deployment.Spec.Replicas != 1 {
			return fmt.Sprintf("Service %v, part %d, replicas %d", back, len(part.BinaryData["part-0"]), *deployment.Spec.Replicas)
		}
		return ""
	})
	s.awaitReady()
}

// additions adds to lists that Doorbell applies as a whole. The test would pass without the correction if the additions were lost for
// another reason, so it checks that they exist first.
func additions(t *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"host":"e.example.com","ingress":{}}}}`)
	s.eventually("the Ingress exists", func() string {
		if !s.get(&networkingv1.Ingress{}, "shop-ingest") {
			return "not yet"
		}
		return ""
	})
	policy, deployment, ingress := &networkingv1.NetworkPolicy{}, &appsv1.Deployment{}, &networkingv1.Ingress{}
	count := func() string {
		s.get(policy, "shop-redis")
		s.get(deployment, "shop-ingest")
		s.get(ingress, "shop-ingest")
		return fmt.Sprint(len(policy.Spec.Ingress), len(deployment.Spec.Template.Spec.Containers[0].Args), len(ingress.Spec.Rules))
	}
	wanted := count()
	policy.Spec.Ingress = append(policy.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
	container := &deployment.Spec.Template.Spec.Containers[0]
	container.Args = append(container.Args, "--added")
	ingress.Spec.Rules = append(ingress.Spec.Rules, networkingv1.IngressRule{Host: "added.example.com"})
	for _, object := range []client.Object{policy, deployment, ingress} {
		added := object.GetGeneration()
		if err := s.Update(t.Context(), object); err != nil || object.GetGeneration() == added {
			t.Fatalf("%T was not changed: %v", object, err)
		}
	}
	s.eventually("the additions are removed", func() string {
		if got := count(); got != wanted {
			return fmt.Sprintf("%s rules, arguments and hosts; want %s", got, wanted)
		}
		return ""
	})
	s.awaitReady()
}

func autoscaling(t *testing.T, s *scene) {
	replicas := func() int32 {
		deployment := &appsv1.Deployment{}
		s.get(deployment, "shop-ingest")
		return *deployment.Spec.Replicas
	}
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":3}}}`)
	s.eventually("three replicas", func() string {
		if got := replicas(); got != 3 {
			return fmt.Sprint(got)
		}
		return ""
	})
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":null,"autoscaling":{"maxReplicas":5}}}}`)
	s.eventually("the autoscaler exists", func() string {
		if !s.get(&autoscalingv2.HorizontalPodAutoscaler{}, "shop-ingest") {
			return "not yet"
		}
		return ""
	})
	s.reconciled()
	if got := replicas(); got != 3 {
		t.Fatalf("%d replicas after autoscaling is switched on; want 3", got)
	}
	deployment := &appsv1.Deployment{}
	s.get(deployment, "shop-ingest")
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 4}}
	if err := s.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(scale), client.FieldOwner("autoscaler")); err != nil {
		t.Fatal(err)
	}
	s.reconciled()
	s.reconciled()
	if got := replicas(); got != 4 {
		t.Errorf("%d replicas after the autoscaler set 4", got)
	}
}
