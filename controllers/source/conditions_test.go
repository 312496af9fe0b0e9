// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/json"
	"errors"
	"fmt"
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

// healthy is a world in which all is well.
func healthy() *world {
	replicas := int32(1)
	reporting := taking(a)
	reporting.report.Configuration.Version, reporting.report.Configuration.APIKey = "v1", true
	reporting.report.Redis = report.Redis{State: report.RedisConnected, Durable: true}
	reporting.report.Knock = report.Knock{State: report.KnockReachable}
	return &world{
		source:   &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "shop", Generation: 3}},
		now:      noon,
		mappings: []*v1alpha1.ActionMapping{{ObjectMeta: metav1.ObjectMeta{Name: "welcome"}}},
		compiled: &compiled{bundle: &document.Bundle{Version: "v1"}},
		tokens:   tokens{current: a, shown: a, published: true},
		pods:     []pod{reporting},
		deployment: &appsv1.Deployment{
			Spec:   appsv1.DeploymentSpec{Replicas: &replicas},
			Status: appsv1.DeploymentStatus{UpdatedReplicas: 1, AvailableReplicas: 1, ReadyReplicas: 1},
		},
		statefulSet: &appsv1.StatefulSet{Status: appsv1.StatefulSetStatus{ReadyReplicas: 1}},
	}
}

// routed gives the world an HTTPRoute of generation 2, of which a Gateway that saw this generation says these.
func (w *world) routed(accepted, resolvedRefs metav1.ConditionStatus, seen int64) {
	w.source.Spec.Endpoint.HTTPRoute = &v1alpha1.HTTPRoute{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	w.gatewayAPI, w.route = true, &gatewayv1.HTTPRoute{}
	status := fmt.Sprintf(`{"metadata":{"generation":2},"spec":{"parentRefs":[{"name":"public"}]},"status":{"parents":[{"parentRef":{"name":"public"},"conditions":[
		{"type":"Accepted","status":%q,"observedGeneration":%d},{"type":"ResolvedRefs","status":%q,"observedGeneration":%[2]d},{"type":"Overridden","status":"False"}]}]}}`,
		accepted, seen, resolvedRefs)
	if err := json.Unmarshal([]byte(status), w.route); err != nil {
		panic(err)
	}
}

func TestConditionsSayWhatIsSeen(t *testing.T) {
	const (
		ready, stalled, reconciling = v1alpha1.ConditionReady, v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling
		configuration, mappings     = v1alpha1.ConditionConfigurationValid, v1alpha1.ConditionMappingsAccepted
		endpoint, redis             = v1alpha1.ConditionEndpointReady, v1alpha1.ConditionRedisReady
		ingest, knock               = v1alpha1.ConditionIngestReady, v1alpha1.ConditionKnockReachable
	)
	for _, tc := range []struct {
		name   string
		change func(w *world)
		err    error
		want   map[string]string // what differs from a healthy world
	}{
		{name: "all is well", change: func(*world) {}},
		{
			name:   "a mistake in the Source stalls it",
			change: func(w *world) { w.compiled = &compiled{problems: []problem.Problem{{}}} },
			want: map[string]string{
				configuration: "False InvalidSpec", endpoint: "Unknown Progressing", ingest: "Unknown Progressing",
				ready: "False InvalidSpec", stalled: "True InvalidSpec",
			},
		},
		{
			name:   "too much configuration stalls it",
			change: func(w *world) { w.compiled = &compiled{tooLarge: errors.New("9000 KiB")} },
			want: map[string]string{
				configuration: "False ConfigurationTooLarge", endpoint: "Unknown Progressing", ingest: "Unknown Progressing",
				ready: "False ConfigurationTooLarge", stalled: "True ConfigurationTooLarge",
			},
		},
		{
			name:   "a mistake in a mapping leaves it ready",
			change: func(w *world) { w.compiled.problems = []problem.Problem{{Mapping: "welcome"}} },
			want:   map[string]string{mappings: "False MappingsRejected"},
		},
		{
			name:   "a warning refuses nothing",
			change: func(w *world) { w.compiled.problems = []problem.Problem{{Mapping: "welcome", Warning: true}} },
		},
		{
			name:   "a token that pods do not take yet is waited for",
			change: func(w *world) { w.tokens.shown = "" },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a route that its Gateway takes is good",
			change: func(w *world) { w.routed("True", "True", 2) },
		},
		{
			name:   "a Gateway that says nothing is waited for",
			change: func(w *world) { w.routed("True", "True", 2); w.route.Status.Parents = nil },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a Gateway that speaks of a former route is waited for",
			change: func(w *world) { w.routed("True", "True", 1) },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a route that was just written is not judged by what was read before",
			change: func(w *world) { w.routed("True", "True", 2); w.changed = map[string]bool{"HTTPRoute": true} },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a route that its Gateway refuses takes no events",
			change: func(w *world) { w.routed("True", "False", 2) },
			want:   map[string]string{endpoint: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a Redis pod is waited for",
			change: func(w *world) { w.statefulSet = nil },
			want:   map[string]string{redis: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a Redis that may lose events leaves it ready",
			change: func(w *world) { w.pods[0].report.Redis.Durable = false },
			want:   map[string]string{redis: "False NotDurable"},
		},
		{
			name:   "a Redis that does not answer is not ready",
			change: func(w *world) { w.pods[0].report.Redis.State = report.RedisUnavailable },
			want:   map[string]string{redis: "False Unavailable", ready: "False Unavailable", reconciling: "True Unavailable"},
		},
		{
			name:   "no replicas stall it",
			change: func(w *world) { *w.deployment.Spec.Replicas = 0 },
			want:   map[string]string{ingest: "False ScaledToZero", ready: "False ScaledToZero", stalled: "True ScaledToZero"},
		},
		{
			name:   "pods that are not available are waited for",
			change: func(w *world) { w.deployment.Status.AvailableReplicas = 0 },
			want:   map[string]string{ingest: "False PodsNotReady", ready: "False PodsNotReady", reconciling: "True PodsNotReady"},
		},
		{
			name:   "pods that run another configuration are waited for",
			change: func(w *world) { w.pods[0].report.Configuration.Version = "v0" },
			want:   map[string]string{ingest: "False ConfigurationPending", ready: "False ConfigurationPending", reconciling: "True ConfigurationPending"},
		},
		{
			name:   "a Deployment that was just written is not judged by what was read before",
			change: func(w *world) { w.changed = map[string]bool{"Deployment": true} },
			want:   map[string]string{ingest: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "a key that Knock refuses stalls it",
			change: func(w *world) { w.pods[0].report.Knock.State = report.KnockUnauthorized },
			want:   map[string]string{knock: "False Unauthorized", ready: "False Unauthorized", stalled: "True Unauthorized"},
		},
		{
			name:   "a Knock that is away leaves it ready",
			change: func(w *world) { w.pods[0].report.Knock.State = report.KnockUnreachable },
			want:   map[string]string{knock: "False Unreachable"},
		},
		{
			name:   "a pod without the API key is waited for",
			change: func(w *world) { w.pods[0].report.Configuration.APIKey = false },
			want:   map[string]string{knock: "False Progressing", ready: "False Progressing", reconciling: "True Progressing"},
		},
		{
			name:   "Knock was not called",
			change: func(w *world) { w.pods[0].report.Knock.State = report.KnockIdle },
			want:   map[string]string{knock: "Unknown NotCalled"},
		},
		{
			name:   "suspended deliveries leave it ready",
			change: func(w *world) { w.source.Spec.Delivery.Suspend = true },
			want:   map[string]string{knock: "Unknown Suspended"},
		},
		{
			name: "of several problems the one that needs somebody is told first",
			change: func(w *world) {
				w.problems = []*condition.Problem{
					{Type: knock, Reason: v1alpha1.ReasonSecretNotFound}, {Type: ingest, Reason: v1alpha1.ReasonNameConflict, Stalled: true},
				}
			},
			want: map[string]string{
				knock: "False SecretNotFound", ingest: "False NameConflict", ready: "False NameConflict", stalled: "True NameConflict",
			},
		},
		{
			name: "an error that is tried again is on its way", change: func(*world) {}, err: errors.New("connection lost"),
			want: map[string]string{ready: "False Progressing", reconciling: "True Progressing"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := map[string]string{
				ready: "True Succeeded", configuration: "True Succeeded", mappings: "True Succeeded", endpoint: "True Succeeded",
				redis: "True Succeeded", ingest: "True Succeeded", knock: "True Succeeded",
			}
			maps.Copy(want, tc.want)
			w := healthy()
			tc.change(w)
			got := map[string]string{}
			for _, c := range w.conditions(tc.err).List() {
				got[c.Type] = string(c.Status) + " " + c.Reason
				if c.ObservedGeneration != 3 {
					t.Errorf("%s is about generation %d", c.Type, c.ObservedGeneration)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPodsTellWhatKeepsThemFromRunning(t *testing.T) {
	w := healthy()
	w.pods[0].object.Status.ContainerStatuses = []corev1.ContainerStatus{{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
	}}
	refusing := taking()
	refusing.object = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-1", Labels: map[string]string{"app.kubernetes.io/component": render.ComponentIngest}}}
	refusing.report.Configuration.Problem = "half of a version"
	silent := taking()
	silent.object = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-2", Labels: map[string]string{"app.kubernetes.io/component": render.ComponentIngest}}}
	silent.report = nil
	w.pods = append(w.pods, refusing, silent)
	want := ": pod shop-ingest-0: ImagePullBackOff no such image; pod shop-ingest-1: half of a version; " +
		"pod shop-ingest-2 does not answer on its admin port"
	if diff := cmp.Diff(want, w.troubles()); diff != "" {
		t.Error(diff)
	}
}
