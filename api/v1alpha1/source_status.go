// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SourceStatus is what Doorbell sees of a Source.
type SourceStatus struct {
	// conditions are Ready, ConfigurationValid, MappingsAccepted, EndpointReady, RedisReady, IngestReady, KnockReachable and,
	// while they hold, Reconciling and Stalled.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// url is where the sender posts its events, without the token: the whole URL is in the endpoint's Secret.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// host is the host of url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=263
	Host string `json:"host,omitempty"`

	// endpointSecretName names the Secret whose key url holds the whole URL.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	EndpointSecretName string `json:"endpointSecretName,omitempty"`

	// rotation tells of a token that is on its way out.
	//
	// +optional
	Rotation *TokenRotation `json:"rotation,omitempty"`

	// configuration tells which configuration the pods should run and which they run.
	//
	// +optional
	Configuration *ConfigurationStatus `json:"configuration,omitempty"`

	// mappings counts the ActionMappings of this Source, default mappings left out.
	//
	// +optional
	Mappings *MappingCounts `json:"mappings,omitempty"`

	// replicas counts the pods that receive and deliver events.
	//
	// +optional
	Replicas *ReplicaCounts `json:"replicas,omitempty"`
}

// TokenRotation tells of a token that is on its way out.
type TokenRotation struct {
	// previousValidUntil is when the former token stops being valid. Until then both are.
	//
	// +required
	PreviousValidUntil metav1.Time `json:"previousValidUntil,omitempty,omitzero"`
}

// ConfigurationStatus compares the configuration that was compiled with the ones that pods report.
type ConfigurationStatus struct {
	// version of the configuration that the pods should run.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Version string `json:"version,omitempty"`

	// pods is how many pods report that they run it.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Pods *int32 `json:"pods,omitempty"`
}

// MappingCounts counts the ActionMappings of a Source.
type MappingCounts struct {
	// accepted is how many run, or would if they were active.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Accepted *int32 `json:"accepted,omitempty"`

	// rejected is how many are refused; each says why in its own conditions.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rejected *int32 `json:"rejected,omitempty"`
}

// ReplicaCounts counts the pods of a Source.
type ReplicaCounts struct {
	// desired is how many there should be.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Desired *int32 `json:"desired,omitempty"`

	// ready is how many can take events.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Ready *int32 `json:"ready,omitempty"`
}
