// SPDX-License-Identifier: Apache-2.0

package render

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

// disruptionBudget returns the PodDisruptionBudget, with which a drain of nodes evicts one ingest pod at a time. A pod that is not ready
// can always be evicted, so that broken pods never block a drain.
func (r *renderer) disruptionBudget() *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(IngestName(r.Source), r.Source.Namespace).
		WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(selector(Selector(r.Source, ComponentIngest))))
}
