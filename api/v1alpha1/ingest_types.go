// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import corev1 "k8s.io/api/core/v1"

// Image names a container image.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._/:@-]*$')",message="write an image as REGISTRY/NAME:TAG"
type Image string

// Ingest shapes the pods that receive and deliver events.
//
// +kubebuilder:validation:AtMostOneOf=replicas;autoscaling
type Ingest struct {
	// replicas is how many pods there are. Leave it out for 2; with 1, a node that goes down takes the endpoint with it for
	// a while.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling lets the load decide how many pods there are.
	//
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// resources of the container. Leave it out for requests of 100m CPU and 128Mi memory and a limit of 512Mi memory.
	//
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`

	// image to run. Leave it out for the operator's own version.
	//
	// +optional
	Image Image `json:"image,omitempty"`

	// imagePullSecrets name Secrets in the same namespace for pulling the image.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// metadata is added to the pods, beside Doorbell's own.
	//
	// +optional
	Metadata PodMetadata `json:"metadata,omitempty,omitzero"`

	// env is added to the container, such as HTTPS_PROXY.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []corev1.EnvVar `json:"env,omitempty"`

	// caBundle holds certificates to trust besides the public ones, for a proxy that opens TLS.
	//
	// +optional
	CABundle *CABundle `json:"caBundle,omitempty"`

	// scheduling says on which nodes the pods may run.
	//
	// +optional
	Scheduling Scheduling `json:"scheduling,omitempty,omitzero"`
}

// Autoscaling bounds the number of pods.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",fieldPath=".minReplicas",message="minReplicas must not be above maxReplicas"
type Autoscaling struct {
	// minReplicas is the fewest pods. Leave it out for 2, or maxReplicas if that is less.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the most pods.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// targetCPUPercent is the share of the requested CPU at which pods are added. Leave it out for 80.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetCPUPercent int32 `json:"targetCPUPercent,omitempty"`
}

// PodMetadata is added to pods.
type PodMetadata struct {
	// labels to add. Those of app.kubernetes.io and doorbell.dev are Doorbell's.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !k.startsWith('app.kubernetes.io/') && !k.startsWith('doorbell.dev/'))",message="labels of app.kubernetes.io/ and doorbell.dev/ are Doorbell's: choose another prefix"
	Labels map[string]string `json:"labels,omitempty"`

	// annotations to add. Those of doorbell.dev are Doorbell's.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !k.startsWith('doorbell.dev/'))",message="annotations of doorbell.dev/ are Doorbell's: choose another prefix"
	Annotations map[string]string `json:"annotations,omitempty"`
}

// CABundle names a key with certificates in PEM.
//
// +kubebuilder:validation:ExactlyOneOf=configMapKeyRef;secretKeyRef
type CABundle struct {
	// configMapKeyRef names a ConfigMap, and the key in it.
	//
	// +optional
	ConfigMapKeyRef *ConfigMapKeyReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef names a Secret, and the key in it.
	//
	// +optional
	SecretKeyRef *SecretKeyReference `json:"secretKeyRef,omitempty"`
}

// ConfigMapKeyReference names a ConfigMap in the same namespace, and a key in it.
type ConfigMapKeyReference struct {
	// name of the ConfigMap.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the ConfigMap.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Scheduling says on which nodes pods may run.
type Scheduling struct {
	// nodeSelector are labels that a node must have.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations are taints that a node may have.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity draws pods to nodes, or away from them.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// priorityClassName names the PriorityClass of the pods.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
}
