// SPDX-License-Identifier: Apache-2.0

// Package controllers_test runs the controllers against a real API server, with the service account of an installed manager.
package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// mismatch returns a description of how a condition differs from the wanted one, or "" if it does not. The message only has to contain the
// given text.
func mismatch(conditions []metav1.Condition, kind, status, reason, message string) string {
	c := meta.FindStatusCondition(conditions, kind)
	if c == nil || string(c.Status) != status || c.Reason != reason || !strings.Contains(c.Message, message) {
		return fmt.Sprintf("want %s=%s %s %q, got %+v", kind, status, reason, message, conditions)
	}
	return ""
}

// TestOperator is one test, because one manager serves all scenes, as in a cluster.
func TestOperator(t *testing.T) {
	o := startOperator(t)
	for i, tc := range []struct {
		name string
		run  func(t *testing.T, s *scene)
	}{
		{"the Source owns its objects, except those that outlive it", ownership},
		{"an edited mapping is live when every pod reports that it runs it", edit},
		{"an invalid mapping is rejected alone", badMapping},
		{"an invalid Source leaves the last valid configuration running", badSource},
		{"deleted and edited objects are restored", drift},
		{"what others add to an object is removed", additions},
		{"the number of pods stays when autoscaling is switched on, until the autoscaler sets it", autoscaling},
		{"a new token is shown when every pod accepts it, and the previous one expires", rotation},
		{"a user can provide the token", ownToken},
		{"an object of someone else is not taken over", conflict},
		{"a Source recovers when a missing Secret is created", missingSecret},
		{"the reports of pods about Redis and Knock become conditions", pods},
		{"objects that the Source no longer wants are deleted", prune},
		{"a steady state writes nothing and reveals no secret", steady},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, newScene(t, o, i+1)) })
	}
}

func ownership(t *testing.T, s *scene) {
	owner := s.source()
	for name, object := range map[string]client.Object{
		"shop-ingest": &appsv1.Deployment{}, "shop-redis": &appsv1.StatefulSet{}, "shop-document-0": &corev1.ConfigMap{},
	} {
		if !s.get(object, name) || !metav1.IsControlledBy(object, owner) || object.GetLabels()[v1alpha1.LabelSource] != "shop" {
			t.Errorf("%T %s does not exist or is not owned by the Source", object, name)
		}
	}
	for _, name := range []string{"shop-endpoint", "shop-tokens"} {
		secret := &corev1.Secret{}
		if !s.get(secret, name) || len(secret.OwnerReferences) > 0 {
			t.Errorf("Secret %s does not exist, or would be deleted with the Source: %v", name, secret.OwnerReferences)
		}
	}
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"onDelete":"Delete"}}}`)
	s.eventually("the Secrets are owned by the Source", func() string {
		secret := &corev1.Secret{}
		if s.get(secret, "shop-tokens"); !metav1.IsControlledBy(secret, owner) {
			return fmt.Sprint(secret.OwnerReferences)
		}
		return ""
	})
}

func edit(t *testing.T, s *scene) {
	before := s.source().Status.Configuration.Version
	s.node.set(func(n *node) { n.stale = true })
	s.patch(&v1alpha1.ActionMapping{}, "welcome", `{"spec":{"when":"body.properties.total > 100.0"}}`)
	pending := s.awaitMapping("welcome", "False", v1alpha1.ReasonProgressing)
	if pending.Status.Configuration != "" {
		t.Errorf("reported as live in %s, although no pod runs it", pending.Status.Configuration)
	}
	s.await(v1alpha1.ConditionIngestReady, "False", v1alpha1.ReasonConfigurationPending, "0 of 1 ready pods run")
	s.node.set(func(n *node) { n.stale = false })
	live := s.awaitMapping("welcome", "True", v1alpha1.ReasonAccepted)
	if live.Status.Configuration == before || live.Status.Configuration != s.source().Status.Configuration.Version {
		t.Errorf("live since configuration %q; want the new one", live.Status.Configuration)
	}
	s.awaitReady()
}

func badMapping(t *testing.T, s *scene) {
	s.create(mappingOf("broken", "totl + 1"))
	broken := s.awaitMapping("broken", "False", v1alpha1.ReasonInvalidExpression)
	want := `spec.triggerWorkflow.recipients: line 1, column 1: unknown name "totl"`
	if missing := mismatch(broken.Status.Conditions, v1alpha1.ConditionStalled, "True", v1alpha1.ReasonInvalidExpression, want); missing != "" {
		t.Error(missing)
	}
	s.await(v1alpha1.ConditionMappingsAccepted, "False", v1alpha1.ReasonMappingsRejected, "broken")
	s.awaitReady()
	s.patch(&v1alpha1.ActionMapping{}, "broken", `{"spec":{"triggerWorkflow":{"recipients":"body.userId"}}}`)
	s.awaitMapping("broken", "True", v1alpha1.ReasonAccepted)
	s.await(v1alpha1.ConditionMappingsAccepted, "True", v1alpha1.ReasonSucceeded, "")

	s.create(strings.Replace(mappingOf("broken", "body.userId"), "name: broken}", "name: copied}", 1))
	s.awaitMapping("copied", "False", v1alpha1.ReasonDuplicate)
	s.create(strings.Replace(mappingOf("lost", "body.userId"), "sourceRef: {name: shop}", "sourceRef: {name: nowhere}", 1))
	lost := s.awaitMapping("lost", "False", v1alpha1.ReasonSourceNotFound)
	if missing := mismatch(lost.Status.Conditions, v1alpha1.ConditionReady, "False", v1alpha1.ReasonSourceNotFound, "use an existing Source: shop"); missing != "" {
		t.Error(missing)
	}
}

func badSource(t *testing.T, s *scene) {
	before := &corev1.ConfigMap{}
	s.get(before, "shop-document-0")
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ordering":{"key":"body.totl +"}}}`)
	s.await(v1alpha1.ConditionConfigurationValid, "False", v1alpha1.ReasonInvalidSpec, "spec.ordering.key: line 1, column")
	s.await(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonInvalidSpec, "")
	// Everything but the document still follows the Source.
	s.remove(&appsv1.Deployment{}, "shop-ingest")
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":2}}}`)
	s.eventually("the Deployment is restored with the new number of replicas", func() string {
		deployment := &appsv1.Deployment{}
		if !s.get(deployment, "shop-ingest") || *deployment.Spec.Replicas != 2 {
			return fmt.Sprintf("%+v", deployment.Spec)
		}
		return ""
	})
	after := &corev1.ConfigMap{}
	if s.get(after, "shop-document-0"); after.ResourceVersion != before.ResourceVersion {
		t.Error("the last valid configuration was overwritten")
	}
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":1}}}`)
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ordering":{"key":"body.userId"}}}`)
	s.awaitReady()
	if c := meta.FindStatusCondition(s.source().Status.Conditions, v1alpha1.ConditionStalled); c != nil {
		t.Errorf("Stalled is still present: %+v", c)
	}
}

func conflict(t *testing.T, s *scene) {
	s.create(`{apiVersion: v1, kind: Service, metadata: {name: other-ingest}, spec: {ports: [{port: 1}]}}`)
	s.create(strings.Replace(source, "name: shop", "name: other", 1))
	other := &v1alpha1.Source{}
	s.eventually("the conflict is reported", func() string {
		s.get(other, "other")
		return mismatch(other.Status.Conditions, v1alpha1.ConditionStalled, "True", v1alpha1.ReasonNameConflict, "Service other-ingest already exists and does not belong to Doorbell")
	})
	service := &corev1.Service{}
	if s.get(service, "other-ingest"); len(service.Labels) > 0 || service.Spec.Ports[0].Port != 1 {
		t.Error("the Service of someone else was taken over")
	}
}

func missingSecret(_ *testing.T, s *scene) {
	s.remove(&corev1.Secret{}, "knock")
	s.await(v1alpha1.ConditionReady, "False", v1alpha1.ReasonSecretNotFound, `Secret "knock" does not exist`)
	s.await(v1alpha1.ConditionReconciling, "True", v1alpha1.ReasonSecretNotFound, "")
	s.create(`{apiVersion: v1, kind: Secret, metadata: {name: knock}, stringData: {other: x}}`)
	s.await(v1alpha1.ConditionReady, "False", v1alpha1.ReasonSecretNotFound, `has no key "apiKey"`)
	s.patch(&corev1.Secret{}, "knock", `{"stringData":{"apiKey":"`+apiKey+`"}}`)
	s.awaitReady()
}

func pods(_ *testing.T, s *scene) {
	changes := 0
	reportState := func(change func(n *node)) {
		s.node.set(change)
		changes++
		s.patch(&v1alpha1.Source{}, "shop", fmt.Sprintf(`{"metadata":{"annotations":{"reconcile":"%d"}}}`, changes))
	}
	reportState(func(n *node) { n.redis = report.Redis{State: report.RedisConnected, Problem: "no append-only file"} })
	s.await(v1alpha1.ConditionRedisReady, "False", v1alpha1.ReasonNotDurable, "no append-only file")
	s.awaitReady()
	reportState(func(n *node) { n.redis = report.Redis{State: report.RedisUnavailable, Problem: "refused"} })
	s.await(v1alpha1.ConditionReady, "False", v1alpha1.ReasonRedisUnavailable, "refused")
	reportState(func(n *node) {
		n.redis = report.Redis{State: report.RedisConnected, Durable: true}
		n.knock = report.Knock{State: report.KnockUnauthorized, Problem: "answer 401"}
	})
	s.await(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonUnauthorized, "answer 401")
	reportState(func(n *node) { n.knock = report.Knock{State: report.KnockRateLimited, Problem: "answer 429"} })
	s.await(v1alpha1.ConditionKnockReachable, "False", v1alpha1.ReasonRateLimited, "answer 429")
	s.awaitReady()
}

func prune(_ *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":2},"endpoint":{"host":"e.example.com","ingress":{}}}}`)
	s.eventually("Ingress and PodDisruptionBudget exist", func() string {
		if !s.get(&networkingv1.Ingress{}, "shop-ingest") || !s.get(&policyv1.PodDisruptionBudget{}, "shop-ingest") {
			return "not yet"
		}
		return ""
	})
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"replicas":1},"endpoint":{"host":null,"ingress":null}}}`)
	s.eventually("Ingress and PodDisruptionBudget are deleted", func() string {
		if s.get(&networkingv1.Ingress{}, "shop-ingest") || s.get(&policyv1.PodDisruptionBudget{}, "shop-ingest") {
			return "not yet"
		}
		return ""
	})
}

func steady(t *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"metadata":{"annotations":{"reconcile":"first"}}}`)
	s.awaitReady()
	s.eventually("a steady state", func() string {
		before := s.writes.count()
		for range 3 { // the first two have finished when the third begins
			s.patch(&v1alpha1.Source{}, "shop", fmt.Sprintf(`{"metadata":{"annotations":{"reconcile":"%d"}}}`, time.Now().UnixNano()))
			asked := s.node.reports()
			s.eventually("a reconciliation", func() string {
				if s.node.reports() == asked {
					return "not yet"
				}
				return ""
			})
		}
		if written := s.writes.count() - before; written > 0 {
			return fmt.Sprintf("%d writes", written)
		}
		return ""
	})
	s.revealsNoSecret()
}
