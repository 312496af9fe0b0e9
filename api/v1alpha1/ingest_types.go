// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import corev1 "k8s.io/api/core/v1"

// Image is the name of a container image.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._/:@-]*$')",message="invalid image: use the form REGISTRY/NAME:TAG"
type Image string

// Ingest configures the pods that receive and deliver events.
//
// +kubebuilder:validation:AtMostOneOf=replicas;autoscaling
type Ingest struct {
	// replicas is the number of pods. If it is omitted, there are 2 pods. With 1 pod, the endpoint is unavailable for a while
	// if the node of the pod fails.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling adjusts the number of pods to the load.
	//
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// resources are the resource requirements of the container. If it is omitted, the container requests 100m CPU and 128Mi
	// memory, and its limit is 512Mi memory.
	//
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`

	// image is the container image to run. If it is omitted, the pods run the same version as the operator.
	//
	// +optional
	Image Image `json:"image,omitempty"`

	// imagePullSecrets are references to Secrets in the same namespace for pulling the image.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// metadata contains labels and annotations that are added to the pods.
	//
	// +optional
	Metadata PodMetadata `json:"metadata,omitempty,omitzero"`

	// env are environment variables that are added to the container, such as HTTPS_PROXY. POD_UID is reserved.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(variable, variable.name != 'POD_UID')",message="Doorbell sets POD_UID itself: choose another name"
	Env []corev1.EnvVar `json:"env,omitempty"`

	// caBundle contains certificates that the pods trust in addition to the public ones, such as the certificate of a proxy
	// that inspects TLS connections.
	//
	// +optional
	CABundle *CABundle `json:"caBundle,omitempty"`

	// scheduling defines on which nodes the pods can run.
	//
	// +optional
	Scheduling Scheduling `json:"scheduling,omitempty,omitzero"`
}

// Autoscaling adjusts the number of pods to the load.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",fieldPath=".minReplicas",message="minReplicas must not be greater than maxReplicas"
type Autoscaling struct {
	// minReplicas is the minimum number of pods. If it is omitted, it is 2, or maxReplicas if maxReplicas is 1.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the maximum number of pods.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// targetCPUPercent is the target CPU usage, in percent of the requested CPU. If the average is higher, pods are added. If
	// it is omitted, it is 80.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetCPUPercent int32 `json:"targetCPUPercent,omitempty"`
}

// PodMetadata contains labels and annotations that are added to pods.
type PodMetadata struct {
	// labels are added to the pods. The prefixes app.kubernetes.io/ and doorbell.dev/ are reserved.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !k.startsWith('app.kubernetes.io/') && !k.startsWith('doorbell.dev/'))",message="the prefixes app.kubernetes.io/ and doorbell.dev/ are reserved: use another prefix"
	Labels map[string]string `json:"labels,omitempty"`

	// annotations are added to the pods. The prefix doorbell.dev/ is reserved.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !k.startsWith('doorbell.dev/'))",message="the prefix doorbell.dev/ is reserved: use another prefix"
	Annotations map[string]string `json:"annotations,omitempty"`
}

// CABundle refers to certificates in PEM format.
//
// +kubebuilder:validation:ExactlyOneOf=configMapKeyRef;secretKeyRef
type CABundle struct {
	// configMapKeyRef refers to a key of a ConfigMap.
	//
	// +optional
	ConfigMapKeyRef *ConfigMapKeyReference `json:"configMapKeyRef,omitempty"`

	// secretKeyRef refers to a key of a Secret.
	//
	// +optional
	SecretKeyRef *SecretKeyReference `json:"secretKeyRef,omitempty"`
}

// ConfigMapKeyReference refers to one key of a ConfigMap in the same namespace.
type ConfigMapKeyReference struct {
	// name is the name of the ConfigMap.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key is the key in the data of the ConfigMap.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Scheduling defines on which nodes pods can run.
type Scheduling struct {
	// nodeSelector are the labels that a node must have.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations are the taints that the pods tolerate.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity attracts pods to nodes and other pods, or keeps them apart.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// priorityClassName is the name of the PriorityClass of the pods.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
}
