// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Redis says where events are kept until they are delivered: in a Redis that Doorbell runs, or in yours. A change from one to
// the other leaves behind what the former still holds.
//
// +kubebuilder:validation:AtMostOneOf=managed;external
type Redis struct {
	// managed shapes the Redis that Doorbell runs for this Source. It is the default.
	//
	// +optional
	Managed *ManagedRedis `json:"managed,omitempty"`

	// external names a Redis or Valkey of yours. It must keep what it acknowledges: appendonly yes, appendfsync always,
	// maxmemory-policy noeviction.
	//
	// +optional
	External *ExternalRedis `json:"external,omitempty"`
}

// ManagedRedis shapes the Redis that Doorbell runs for a Source.
type ManagedRedis struct {
	// storage is the volume that keeps the events.
	//
	// +optional
	Storage Storage `json:"storage,omitempty,omitzero"`

	// resources of the container. Redis takes events until three quarters of the memory limit are full, then senders hear
	// 429. Leave it out for a limit of 1Gi.
	//
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`

	// image is Redis 7 or newer, or Valkey. Leave it out for the one that this version of Doorbell was tested with.
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

	// scheduling says on which nodes Redis may run.
	//
	// +optional
	Scheduling Scheduling `json:"scheduling,omitempty,omitzero"`

	// onDelete says whether the volume outlives the Source. With Retain, a Source that is deleted and applied again goes on
	// where it stopped, undelivered events included.
	//
	// +optional
	// +default="Retain"
	OnDelete OnDelete `json:"onDelete,omitempty"`
}

// Storage is a volume. It cannot change once it is made. That its fields neither come nor go, SourceSpec sees to: a rule here runs only
// where storage is there before and after.
//
// +kubebuilder:validation:XValidation:rule="(!has(self.size) || !has(oldSelf.size) || self.size == oldSelf.size) && (!has(self.className) || !has(oldSelf.className) || self.className == oldSelf.className)",message="the volume is made once: put storage back as it was, and resize the PersistentVolumeClaim data-NAME-redis-0 instead, or move to a new Source"
type Storage struct {
	// size of the volume. Leave it out for 10Gi.
	//
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// className names the StorageClass. Leave it out for the cluster's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`
}

// RedisMode is how an external Redis is laid out.
//
// +kubebuilder:validation:Enum=Standalone;Sentinel;Cluster
type RedisMode string

// The layouts of an external Redis.
const (
	RedisModeStandalone RedisMode = "Standalone"
	RedisModeSentinel   RedisMode = "Sentinel"
	RedisModeCluster    RedisMode = "Cluster"
)

// ExternalRedis names a Redis or Valkey of yours.
//
// +kubebuilder:validation:XValidation:rule="self.mode != 'Sentinel' || has(self.masterName)",fieldPath=".masterName",message="mode Sentinel needs masterName: the name by which the sentinels know the master, such as mymaster"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Sentinel' || !has(self.masterName)",fieldPath=".masterName",message="masterName is for mode Sentinel only: remove it"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Cluster' || !has(self.database) || self.database == 0",fieldPath=".database",message="a Redis Cluster has database 0 only: remove it"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Standalone' || self.addresses.size() == 1",fieldPath=".addresses",message="mode Standalone has one address; for several, say mode Sentinel or Cluster"
type ExternalRedis struct {
	// mode is how Redis is laid out.
	//
	// +optional
	// +default="Standalone"
	Mode RedisMode `json:"mode,omitempty"`

	// addresses of the server, the sentinels, or some nodes of the cluster, such as redis.example.com:6379.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=3
	// +kubebuilder:validation:items:MaxLength=260
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.matches('^[^/@,\\\\s]+:[1-9][0-9]{0,4}$') && int(a.substring(a.lastIndexOf(':') + 1)) <= 65535)",message="write HOST:PORT without scheme or password, such as redis.example.com:6379"
	Addresses []string `json:"addresses,omitempty"`

	// masterName is the name by which sentinels know the master.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	MasterName string `json:"masterName,omitempty"`

	// database to use; 0 unless you say otherwise.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Database int32 `json:"database,omitempty"`

	// credentials for Redis, and for its sentinels if they ask for any.
	//
	// +optional
	Credentials *RedisCredentials `json:"credentials,omitempty"`

	// tls encrypts the connections. Leave it out for plain ones.
	//
	// +optional
	TLS *RedisTLS `json:"tls,omitempty"`
}

// RedisCredentials name the Secret keys with the credentials for a Redis.
type RedisCredentials struct {
	// passwordSecretRef names the Secret, and the key in it, that holds the password.
	//
	// +required
	PasswordSecretRef SecretKeyReference `json:"passwordSecretRef,omitzero"`

	// usernameSecretRef names the Secret, and the key in it, that holds the ACL user's name. Leave it out for the default user.
	//
	// +optional
	UsernameSecretRef *SecretKeyReference `json:"usernameSecretRef,omitempty"`
}

// RedisTLS says how connections to a Redis are encrypted.
//
// +kubebuilder:validation:MinProperties=0
type RedisTLS struct {
	// serverName is the name that the server's certificate must have, where it is not the address's.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServerName string `json:"serverName,omitempty"`

	// caSecretRef names the Secret, and the key in it, that holds the certificates to trust, in PEM. Leave it out for the
	// public ones.
	//
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}
