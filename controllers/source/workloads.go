// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

func (w *world) endpointReady() state {
	switch {
	case w.compiled.bundle == nil:
		return unknown(v1alpha1.ReasonProgressing, "waiting for a valid configuration")
	case w.tokens.shown == "":
		return bad(v1alpha1.ReasonProgressing, "the URL is shown as soon as every pod takes its new token")
	case w.changed["HTTPRoute"]:
		return bad(v1alpha1.ReasonProgressing, "the HTTPRoute is being updated")
	case w.source.Spec.Endpoint.HTTPRoute != nil && routeBlockedReason(w.route) != "":
		return bad(v1alpha1.ReasonProgressing, "%s", routeBlockedReason(w.route))
	case w.tokens.shown != w.tokens.current:
		return good("the former URL is shown until every pod takes the new token")
	case w.tokens.previous != "":
		return good("the former token stays valid until %s", w.tokens.until.UTC().Format("2006-01-02T15:04:05Z"))
	default:
		return good("the URL is made")
	}
}

func (w *world) redisReady() state {
	managed := w.source.Spec.Redis.External == nil
	if managed && (w.changed["StatefulSet"] || w.statefulSet != nil && w.statefulSet.Generation != w.statefulSet.Status.ObservedGeneration) {
		return bad(v1alpha1.ReasonProgressing, "the Redis pod is being updated")
	}
	if managed && (w.statefulSet == nil || w.statefulSet.Status.ReadyReplicas < 1) {
		return bad(v1alpha1.ReasonProgressing, "the Redis pod is not ready%s", w.redisTrouble())
	}
	var connected bool
	for _, pod := range w.pods {
		if pod.report == nil {
			continue
		}
		switch redis := pod.report.Redis; {
		case redis.State == report.RedisUnavailable:
			return bad(v1alpha1.ReasonRedisUnavailable, "pod %s: %s", pod.object.Name, redis.Problem)
		case redis.State == report.RedisConnected && !redis.Durable:
			return harmless(bad(v1alpha1.ReasonNotDurable, "%s", redis.Problem))
		case redis.State == report.RedisConnected:
			connected = true
		}
	}
	if !connected {
		return unknown(v1alpha1.ReasonProgressing, "no pod has reported yet that it reaches Redis")
	}
	return good("Redis keeps what it acknowledges")
}

// redisTrouble tells what keeps the Redis pod from being ready.
func (w *world) redisTrouble() string {
	for _, pod := range w.pods {
		if !pod.ingest() && pod.trouble() != "" {
			return ": pod " + pod.object.Name + ": " + pod.trouble()
		}
	}
	return ""
}

func (w *world) ingestReady() state {
	if w.compiled.bundle == nil {
		return unknown(v1alpha1.ReasonProgressing, "waiting for a valid configuration")
	}
	if w.deployment == nil || w.changed["Deployment"] {
		return bad(v1alpha1.ReasonProgressing, "the Deployment is being updated")
	}
	desired, status := *w.deployment.Spec.Replicas, w.deployment.Status
	switch {
	case desired == 0:
		state := bad(v1alpha1.ReasonScaledToZero, "spec.ingest.replicas is 0: nothing takes events")
		state.stalled = true
		return state
	case w.deployment.Generation != status.ObservedGeneration || status.UpdatedReplicas < desired:
		return bad(v1alpha1.ReasonProgressing, "%d of %d pods are updated", status.UpdatedReplicas, desired)
	case status.AvailableReplicas < desired:
		return bad(v1alpha1.ReasonPodsNotReady, "%d of %d pods are available%s", status.AvailableReplicas, desired, w.troubles())
	}
	if running, ready := w.running(); ready == 0 || running < ready {
		return bad(v1alpha1.ReasonConfigurationPending, "%d of %d pods run configuration %s%s",
			running, ready, w.compiled.bundle.Version, w.troubles())
	}
	return good("%d pods run configuration %s", desired, w.compiled.bundle.Version)
}

// troubles tells what keeps pods from running the configuration, as they say themselves.
func (w *world) troubles() string {
	var told []string
	for _, pod := range w.pods {
		switch {
		case !pod.ingest():
		case pod.trouble() != "":
			told = append(told, fmt.Sprintf("pod %s: %s", pod.object.Name, pod.trouble()))
		case pod.ready && pod.report == nil:
			told = append(told, fmt.Sprintf("pod %s does not answer on its admin port", pod.object.Name))
		case pod.report != nil && pod.report.Configuration.Problem != "":
			told = append(told, fmt.Sprintf("pod %s: %s", pod.object.Name, pod.report.Configuration.Problem))
		}
	}
	for _, c := range w.deployment.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			told = append(told, c.Message)
		}
	}
	if len(told) == 0 {
		return ""
	}
	return ": " + strings.Join(told, "; ")
}
