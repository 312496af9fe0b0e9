// SPDX-License-Identifier: Apache-2.0

package render

import (
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// owner returns the owner reference that makes the garbage collector delete an object with its Source.
func (r *renderer) owner() *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().WithAPIVersion(v1alpha1.SchemeGroupVersion.String()).WithKind("Source").
		WithName(r.Source.Name).WithUID(r.Source.UID).WithController(true).WithBlockOwnerDeletion(true)
}

// endpointOwner returns the owner of the Secrets with the tokens: none if they are to outlive the Source, so that a Source that is
// created again keeps its ingestion URL.
func (r *renderer) endpointOwner() []*metav1ac.OwnerReferenceApplyConfiguration {
	if r.spec.Endpoint.OnDelete == v1alpha1.OnDeleteDelete {
		return []*metav1ac.OwnerReferenceApplyConfiguration{r.owner()}
	}
	return nil
}

func (r *renderer) labels(component string) map[string]string { return Labels(r.Source, component) }

func selector(labels map[string]string) *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(labels)
}
