// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// restrictedPod returns the security context of a pod that the restricted Pod Security Standard requires.
func restrictedPod(user int64) *corev1ac.PodSecurityContextApplyConfiguration {
	return corev1ac.PodSecurityContext().WithRunAsNonRoot(true).WithRunAsUser(user).WithRunAsGroup(user).WithFSGroup(user).
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
}

// restrictedContainer returns the security context of a container that the restricted Pod Security Standard requires.
func restrictedContainer() *corev1ac.SecurityContextApplyConfiguration {
	return corev1ac.SecurityContext().WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
		WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))
}

func resources(wanted corev1.ResourceRequirements) *corev1ac.ResourceRequirementsApplyConfiguration {
	out := corev1ac.ResourceRequirements()
	if len(wanted.Requests) > 0 {
		out.WithRequests(wanted.Requests)
	}
	if len(wanted.Limits) > 0 {
		out.WithLimits(wanted.Limits)
	}
	return out
}

func pullSecrets(refs []corev1.LocalObjectReference) []*corev1ac.LocalObjectReferenceApplyConfiguration {
	out := make([]*corev1ac.LocalObjectReferenceApplyConfiguration, len(refs))
	for i, ref := range refs {
		out[i] = corev1ac.LocalObjectReference().WithName(ref.Name)
	}
	return out
}

// schedule sets the scheduling fields that the user chose.
func schedule(pod *corev1ac.PodSpecApplyConfiguration, wanted *v1alpha1.Scheduling) {
	if len(wanted.NodeSelector) > 0 {
		pod.WithNodeSelector(wanted.NodeSelector)
	}
	for i := range wanted.Tolerations {
		pod.WithTolerations(converted[corev1ac.TolerationApplyConfiguration](wanted.Tolerations[i]))
	}
	if wanted.Affinity != nil {
		pod.WithAffinity(converted[corev1ac.AffinityApplyConfiguration](wanted.Affinity))
	}
	if wanted.PriorityClassName != "" {
		pod.WithPriorityClassName(wanted.PriorityClassName)
	}
}

// converted returns a value of the API as its apply configuration. Both types have the same JSON.
func converted[T any](value any) *T {
	out := new(T)
	encoded, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(encoded, out)
	}
	if err != nil { // impossible: both are plain Go types of the same API
		panic(fmt.Sprintf("render: %v", err))
	}
	return out
}
