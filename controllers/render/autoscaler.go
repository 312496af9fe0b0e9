// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
)

const (
	// defaultReplicas is two, so that one pod still runs if a node fails.
	defaultReplicas = 2
	// defaultTargetCPU is the percentage of the requested CPU above which the autoscaler adds pods.
	defaultTargetCPU = 80
)

// minReplicas returns the smallest number of ingest pods that the Deployment runs.
func (r *renderer) minReplicas() int32 {
	if scaling := r.spec.Ingest.Autoscaling; scaling != nil {
		return cmp.Or(scaling.MinReplicas, min(defaultReplicas, scaling.MaxReplicas))
	}
	if r.spec.Ingest.Replicas != nil {
		return *r.spec.Ingest.Replicas
	}
	return defaultReplicas
}

// replicas returns the number of replicas to apply, or nil if an autoscaler decides on it. Until the autoscaler scales the Deployment for
// the first time, the number stays as it is. Without a number, the API server would set it to 1, and all pods but one would stop.
func (r *renderer) replicas() *int32 {
	switch {
	case r.spec.Ingest.Autoscaling == nil, r.Live.Replicas == nil:
		return new(r.minReplicas())
	case r.keepsReplicas():
		return r.Live.Replicas
	default:
		return nil
	}
}

// keepsReplicas reports whether replicas returns a number that was read from the Deployment.
func (r *renderer) keepsReplicas() bool {
	return r.spec.Ingest.Autoscaling != nil && r.Live.Replicas != nil && !r.Live.ScaledByOthers
}

// autoscaler returns the HorizontalPodAutoscaler, which scales the Deployment by CPU.
func (r *renderer) autoscaler() *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	scaling, name := r.spec.Ingest.Autoscaling, IngestName(r.Source)
	deployment := autoscalingv2ac.CrossVersionObjectReference().
		WithAPIVersion(appsv1.SchemeGroupVersion.String()).WithKind("Deployment").WithName(name)
	target := autoscalingv2ac.MetricTarget().WithType(autoscalingv2.UtilizationMetricType).
		WithAverageUtilization(cmp.Or(scaling.TargetCPUPercent, defaultTargetCPU))
	cpu := autoscalingv2ac.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
		WithResource(autoscalingv2ac.ResourceMetricSource().WithName(corev1.ResourceCPU).WithTarget(target))
	return autoscalingv2ac.HorizontalPodAutoscaler(name, r.Source.Namespace).
		WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(deployment).
			WithMinReplicas(r.minReplicas()).WithMaxReplicas(scaling.MaxReplicas).
			WithMetrics(cpu))
}
