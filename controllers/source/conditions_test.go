// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// healthy returns a state without any problem.
func healthy() *state {
	replicas := int32(1)
	reporting := podAccepting(a)
	reporting.report.Configuration.Version, reporting.report.Configuration.APIKey = "v1", true
	reporting.report.Redis = report.Redis{State: report.RedisConnected, Durable: true}
	reporting.report.Knock = report.Knock{State: report.KnockReachable}
	return &state{
		observed: &observed{
			source:   &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "shop", Generation: 3}},
			now:      noon,
			mappings: []*v1alpha1.ActionMapping{{ObjectMeta: metav1.ObjectMeta{Name: "welcome"}}},
			pods:     []pod{reporting},
			deployment: &appsv1.Deployment{
				Spec:   appsv1.DeploymentSpec{Replicas: &replicas},
				Status: appsv1.DeploymentStatus{UpdatedReplicas: 1, AvailableReplicas: 1, ReadyReplicas: 1},
			},
			statefulSet: &appsv1.StatefulSet{Status: appsv1.StatefulSetStatus{ReadyReplicas: 1}},
		},
		decided: &decided{
			compiled: &compiled{bundle: &document.Bundle{Version: "v1"}},
			tokens:   tokens{current: a, shown: a, published: true},
		},
		applied: &applied{},
	}
}

// withRoute adds an HTTPRoute of generation 2, about which a Gateway reports the given conditions for the given generation.
func (s *state) withRoute(accepted, resolvedRefs metav1.ConditionStatus, observedGeneration int64) {
	s.source.Spec.Endpoint.HTTPRoute = &v1alpha1.HTTPRoute{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	s.gatewayAPI = true
	gateway := gatewayv1.ParentReference{Name: "public"}
	s.route = &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
	s.route.Spec.ParentRefs = []gatewayv1.ParentReference{gateway}
	s.route.Status.Parents = []gatewayv1.RouteParentStatus{{ParentRef: gateway, Conditions: []metav1.Condition{
		{Type: "Accepted", Status: accepted, ObservedGeneration: observedGeneration},
		{Type: "ResolvedRefs", Status: resolvedRefs, ObservedGeneration: observedGeneration},
		{Type: "Overridden", Status: metav1.ConditionFalse},
	}}}
}

func TestConditionsReportTheObservedState(t *testing.T) {
	const (
		ready, stalled, reconciling = v1alpha1.ConditionReady, v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling
		configuration, mappings     = v1alpha1.ConditionConfigurationValid, v1alpha1.ConditionMappingsAccepted
		endpoint, redis             = v1alpha1.ConditionEndpointReady, v1alpha1.ConditionRedisReady
		ingest, knock               = v1alpha1.ConditionIngestReady, v1alpha1.ConditionKnockReachable
	)
	for _, tc := range []struct {
		name   string
		change func(s *state)
		err    error
		want   map[string]string // the differences from a healthy state
	}{
		{name: "a healthy Source is Ready", change: func(*state) {}},
		{
			name:   "an invalid Source is stalled, while its pods run the last valid configuration",
			change: func(s *state) { s.compiled = &compiled{problems: []problem.Problem{{}}} },
			want: map[string]string{
				configuration: "False InvalidSpec",
				ready:         "False InvalidSpec", stalled: "True InvalidSpec",
			},
		},
		{
			name:   "a Source with a too large configuration is stalled",
			change: func(s *state) { s.compiled = &compiled{tooLarge: errors.New("9000 KiB")} },
			want: map[string]string{
				configuration: "False ConfigurationTooLarge",
				ready:         "False ConfigurationTooLarge", stalled: "True ConfigurationTooLarge",
			},
		},
		{
			name:   "a rejected mapping leaves the Source Ready",
			change: func(s *state) { s.compiled.problems = []problem.Problem{{Mapping: "welcome"}} },
			want:   map[string]string{mappings: "False MappingsRejected"},
		},
		{
			name:   "a warning rejects nothing",
			change: func(s *state) { s.compiled.problems = []problem.Problem{{Mapping: "welcome", Warning: true}} },
		},
		{
			name:   "the endpoint waits until pods accept the token",
			change: func(s *state) { s.tokens.shown = "" },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "the endpoint is ready when the Gateway accepts the route",
			change: func(s *state) { s.withRoute("True", "True", 2) },
		},
		{
			name:   "the endpoint waits for a Gateway that has reported nothing",
			change: func(s *state) { s.withRoute("True", "True", 2); s.route.Status.Parents = nil },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "the endpoint waits for a Gateway that reported on an older generation of the route",
			change: func(s *state) { s.withRoute("True", "True", 1) },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "the endpoint waits after a change of the route, since the observed one is out of date",
			change: func(s *state) { s.withRoute("True", "True", 2); s.changed = map[string]bool{"HTTPRoute": true} },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "the endpoint is not ready when the Gateway rejects the route",
			change: func(s *state) { s.withRoute("True", "False", 2) },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "Redis waits for its pod",
			change: func(s *state) { s.statefulSet = nil },
			want:   map[string]string{redis: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a Redis without durability leaves the Source Ready",
			change: func(s *state) { s.pods[0].report.Redis.Durable = false },
			want:   map[string]string{redis: "False NotDurable"},
		},
		{
			name:   "an unavailable Redis is not ready",
			change: func(s *state) { s.pods[0].report.Redis.State = report.RedisUnavailable },
			want:   map[string]string{redis: "False Unavailable", ready: "False Unavailable", reconciling: "True Unavailable"},
		},
		{
			name:   "a Source with zero replicas is stalled",
			change: func(s *state) { *s.deployment.Spec.Replicas = 0 },
			want:   map[string]string{ingest: "False ScaledToZero", ready: "False ScaledToZero", stalled: "True ScaledToZero"},
		},
		{
			name:   "ingest waits for pods that are not available",
			change: func(s *state) { s.deployment.Status.AvailableReplicas = 0 },
			want:   map[string]string{ingest: "False PodsNotReady", ready: "False PodsNotReady", reconciling: "True PodsNotReady"},
		},
		{
			name:   "ingest waits for pods that run another configuration",
			change: func(s *state) { s.pods[0].report.Configuration.Version = "v0" },
			want:   map[string]string{ingest: "False ConfigurationPending", ready: "False ConfigurationPending", reconciling: "True ConfigurationPending"},
		},
		{
			name:   "ingest waits after a change of the Deployment, since the observed one is out of date",
			change: func(s *state) { s.changed = map[string]bool{"Deployment": true} },
			want:   map[string]string{ingest: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a Source whose API key is rejected is stalled",
			change: func(s *state) { s.pods[0].report.Knock.State = report.KnockUnauthorized },
			want:   map[string]string{knock: "False Unauthorized", ready: "False Unauthorized", stalled: "True Unauthorized"},
		},
		{
			name:   "an unreachable Knock leaves the Source Ready",
			change: func(s *state) { s.pods[0].report.Knock.State = report.KnockUnreachable },
			want:   map[string]string{knock: "False Unreachable"},
		},
		{
			name:   "Knock waits for a pod without the API key",
			change: func(s *state) { s.pods[0].report.Configuration.APIKey = false },
			want:   map[string]string{knock: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "Knock is unknown before the first call",
			change: func(s *state) { s.pods[0].report.Knock.State = report.KnockIdle },
			want:   map[string]string{knock: "Unknown NotCalled"},
		},
		{
			name:   "suspended deliveries leave the Source Ready",
			change: func(s *state) { s.source.Spec.Delivery.Suspend = true },
			want:   map[string]string{knock: "Unknown Suspended"},
		},
		{
			name: "Ready reports the problem that a user has to resolve first",
			change: func(s *state) {
				s.missing = []*condition.Problem{
					{Type: knock, Reason: v1alpha1.ReasonSecretNotFound}, {Type: ingest, Reason: v1alpha1.ReasonNameConflict, Stalled: true},
				}
			},
			want: map[string]string{
				knock: "False SecretNotFound", ingest: "False NameConflict", ready: "False NameConflict", stalled: "True NameConflict",
			},
		},
		{
			name: "a retryable error is reported as progressing", change: func(*state) {}, err: errors.New("connection lost"),
			want: map[string]string{ready: "False Progressing", reconciling: "True Progressing"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := map[string]string{
				ready: "True Succeeded", configuration: "True Succeeded", mappings: "True Succeeded", endpoint: "True Succeeded",
				redis: "True Succeeded", ingest: "True Succeeded", knock: "True Succeeded",
			}
			maps.Copy(want, tc.want)
			s := healthy()
			tc.change(s)
			s.retryable = tc.err
			got := map[string]string{}
			for _, c := range s.conditions().List() {
				got[c.Type] = string(c.Status) + " " + c.Reason
				if c.ObservedGeneration != 3 {
					t.Errorf("%s has observed generation %d; want 3", c.Type, c.ObservedGeneration)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPodProblemsNameEachPod(t *testing.T) {
	s := healthy()
	s.pods[0].object.Status.ContainerStatuses = []corev1.ContainerStatus{{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
	}}
	mixed := podAccepting()
	mixed.object = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-1", Labels: map[string]string{render.LabelComponent: render.ComponentIngest}}}
	mixed.report.Configuration.Problem = "parts of two versions"
	silent := podAccepting()
	silent.object = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-2", Labels: map[string]string{render.LabelComponent: render.ComponentIngest}}}
	silent.report = nil
	s.pods = append(s.pods, mixed, silent)
	want := ": pod shop-ingest-0: ImagePullBackOff no such image; pod shop-ingest-1: parts of two versions; " +
		"pod shop-ingest-2 does not respond on its admin port"
	if diff := cmp.Diff(want, s.podProblems()); diff != "" {
		t.Error(diff)
	}
}
