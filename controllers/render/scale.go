// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

const (
	// defaultReplicas leave one pod when a node goes down.
	defaultReplicas = 2
	// defaultTargetCPU is the share of the requested CPU at which pods are added, in percent.
	defaultTargetCPU = 80
)

// fewestPods is how many pods there are at least.
func (r *renderer) fewestPods() int32 {
	if scaling := r.spec.Ingest.Autoscaling; scaling != nil {
		return cmp.Or(scaling.MinReplicas, min(defaultReplicas, scaling.MaxReplicas))
	}
	if r.spec.Ingest.Replicas != nil {
		return *r.spec.Ingest.Replicas
	}
	return defaultReplicas
}

func (r *renderer) autoscaler() *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	scaling, name := r.spec.Ingest.Autoscaling, IngestName(r.Source)
	target := autoscalingv2ac.MetricTarget().WithType(autoscalingv2.UtilizationMetricType).
		WithAverageUtilization(cmp.Or(scaling.TargetCPUPercent, defaultTargetCPU))
	return autoscalingv2ac.HorizontalPodAutoscaler(name, r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
				WithAPIVersion(appsv1.SchemeGroupVersion.String()).WithKind("Deployment").WithName(name)).
			WithMinReplicas(r.fewestPods()).WithMaxReplicas(scaling.MaxReplicas).
			WithMetrics(autoscalingv2ac.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
				WithResource(autoscalingv2ac.ResourceMetricSource().WithName(corev1.ResourceCPU).WithTarget(target))))
}

// budget lets a drain take one pod at a time.
func (r *renderer) budget() *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(IngestName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().WithMaxUnavailable(intstr.FromInt32(1)).
			WithSelector(selector(Selector(r.Source, ComponentIngest))))
}
