// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SourceStatus is the observed state of a Source.
type SourceStatus struct {
	// conditions are Ready, ConfigurationValid, MappingsAccepted, EndpointReady, RedisReady, IngestReady and
	// KnockReachable. Reconciling and Stalled are present only while they are True.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status describes.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// url is the ingestion URL without the token. The Secret named by endpointSecretName contains the complete URL.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// host is the host name in url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=263
	Host string `json:"host,omitempty"`

	// endpointSecretName is the name of the Secret that contains the complete ingestion URL under the key url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	EndpointSecretName string `json:"endpointSecretName,omitempty"`

	// rotation is present while a previous token is still valid.
	//
	// +optional
	Rotation *TokenRotation `json:"rotation,omitempty"`

	// configuration reports which configuration the pods should run, and how many pods run it.
	//
	// +optional
	Configuration *ConfigurationStatus `json:"configuration,omitempty"`

	// mappings counts the ActionMappings of this Source. It does not include default mappings.
	//
	// +optional
	Mappings *MappingCounts `json:"mappings,omitempty"`

	// replicas counts the pods that receive and deliver events.
	//
	// +optional
	Replicas *ReplicaCounts `json:"replicas,omitempty"`
}

// TokenRotation describes a previous token that is still valid.
type TokenRotation struct {
	// previousValidUntil is the time at which the previous token expires. Until then, both tokens are valid.
	//
	// +required
	PreviousValidUntil metav1.Time `json:"previousValidUntil,omitempty,omitzero"`
}

// ConfigurationStatus reports how far a configuration is rolled out.
type ConfigurationStatus struct {
	// version is the version of the configuration that the pods should run.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Version string `json:"version,omitempty"`

	// pods is the number of pods that run this version.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Pods *int32 `json:"pods,omitempty"`
}

// MappingCounts counts the ActionMappings of a Source.
type MappingCounts struct {
	// accepted is the number of mappings that are valid, including mappings whose spec.active is false.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Accepted *int32 `json:"accepted,omitempty"`

	// rejected is the number of mappings that Doorbell does not run because of a mistake. The conditions of each mapping
	// contain the reason.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rejected *int32 `json:"rejected,omitempty"`
}

// ReplicaCounts counts the pods of a Source.
type ReplicaCounts struct {
	// desired is the number of pods that should run.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Desired *int32 `json:"desired,omitempty"`

	// ready is the number of pods that can accept events.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Ready *int32 `json:"ready,omitempty"`
}
