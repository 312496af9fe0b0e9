// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// endpointReady reports whether the ingestion URL is published and its route is accepted.
func (s *state) endpointReady() conditionState {
	secret := render.EndpointSecretName(s.source)
	switch {
	case s.tokens.shown == "":
		return failed(v1alpha1.ReasonProgressing, "waiting for every pod to load the new token; the endpoint URL is then published in Secret %q", secret)
	case s.changed["HTTPRoute"]:
		return failed(v1alpha1.ReasonProgressing, "the HTTPRoute is being updated")
	case s.source.Spec.Endpoint.HTTPRoute != nil && routeBlockedReason(s.route) != "":
		return failed(v1alpha1.ReasonProgressing, "%s", routeBlockedReason(s.route))
	case s.tokens.shown != s.tokens.current:
		return succeeded("Secret %q contains the previous endpoint URL until every pod has loaded the new token", secret)
	case s.tokens.previous != "":
		return succeeded("the endpoint URL is published in Secret %q; the previous token expires at %s", secret, s.tokens.until.UTC().Format(time.RFC3339))
	default:
		return succeeded("the endpoint URL is published in Secret %q", secret)
	}
}

// redisReady reports whether the pods are connected to Redis, and whether Redis is durable. The first pod with a problem decides.
func (s *state) redisReady() conditionState {
	managed := s.source.Spec.Redis.External == nil
	if managed && (s.changed["StatefulSet"] || s.statefulSet != nil && s.statefulSet.Generation != s.statefulSet.Status.ObservedGeneration) {
		return failed(v1alpha1.ReasonProgressing, "the Redis pod is being updated")
	}
	if managed && (s.statefulSet == nil || s.statefulSet.Status.ReadyReplicas < 1) {
		return failed(v1alpha1.ReasonProgressing, "the Redis pod is not ready%s", s.redisPodProblem())
	}
	var connected bool
	for _, pod := range s.pods {
		if pod.report == nil {
			continue
		}
		switch redis := pod.report.Redis; {
		case redis.State == report.RedisUnavailable:
			return failed(v1alpha1.ReasonRedisUnavailable, "pod %s: %s", pod.object.Name, redis.Problem)
		case redis.State == report.RedisConnected && !redis.Durable:
			return harmless(failed(v1alpha1.ReasonNotDurable, "%s", redis.Problem))
		case redis.State == report.RedisConnected:
			connected = true
		}
	}
	if !connected {
		return unknown(v1alpha1.ReasonProgressing, "no pod has reported a connection to Redis yet")
	}
	return succeeded("Redis persists every write before acknowledging it")
}

// redisPodProblem returns what keeps the Redis pod from being ready, to be appended to a message, or "" if nothing is known.
func (s *state) redisPodProblem() string {
	for _, pod := range s.pods {
		if !pod.ingest() && pod.blockedReason() != "" {
			return ": pod " + pod.object.Name + ": " + pod.blockedReason()
		}
	}
	return ""
}

// ingestReady reports whether the rollout is complete and every ready pod runs the current configuration.
func (s *state) ingestReady() conditionState {
	if s.deployment == nil || s.changed["Deployment"] {
		return failed(v1alpha1.ReasonProgressing, "the Deployment is being updated")
	}
	desired, status := *s.deployment.Spec.Replicas, s.deployment.Status
	switch {
	case desired == 0:
		return stalled(failed(v1alpha1.ReasonScaledToZero, "spec.ingest.replicas is 0, so no pod accepts events"))
	case s.deployment.Generation != status.ObservedGeneration || status.UpdatedReplicas < desired:
		return failed(v1alpha1.ReasonProgressing, "%d of %d pods are updated", status.UpdatedReplicas, desired)
	case status.AvailableReplicas < desired:
		return failed(v1alpha1.ReasonPodsNotReady, "%d of %d pods are available%s", status.AvailableReplicas, desired, s.podProblems())
	}
	if s.compiled.bundle == nil {
		return succeeded("%d pods run the last valid configuration", desired)
	}
	if running, ready := s.countRunning(); ready == 0 || running < ready {
		return failed(v1alpha1.ReasonConfigurationPending, "%d of %d ready pods run configuration %s%s",
			running, ready, s.compiled.bundle.Version, s.podProblems())
	}
	return succeeded("%d pods run configuration %s", desired, s.compiled.bundle.Version)
}

// podProblems returns what keeps ingest pods from running the configuration, to be appended to a message, or "" if nothing is known.
func (s *state) podProblems() string {
	var problems []string
	for _, pod := range s.pods {
		switch {
		case !pod.ingest():
		case pod.blockedReason() != "":
			problems = append(problems, fmt.Sprintf("pod %s: %s", pod.object.Name, pod.blockedReason()))
		case pod.ready && pod.report == nil:
			problems = append(problems, fmt.Sprintf("pod %s does not respond on its admin port", pod.object.Name))
		case pod.report != nil && pod.report.Configuration.Problem != "":
			problems = append(problems, fmt.Sprintf("pod %s: %s", pod.object.Name, pod.report.Configuration.Problem))
		}
	}
	for _, c := range s.deployment.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			problems = append(problems, c.Message)
		}
	}
	if len(problems) == 0 {
		return ""
	}
	return ": " + strings.Join(problems, "; ")
}
