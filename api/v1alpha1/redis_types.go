// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Redis defines where Doorbell stores events until they are delivered: in a Redis that Doorbell manages, or in an external
// Redis. If you change from one to the other, Doorbell does not move events that are not delivered yet.
//
// +kubebuilder:validation:AtMostOneOf=managed;external
type Redis struct {
	// managed configures a Redis that Doorbell runs for this Source. This is the default.
	//
	// +optional
	Managed *ManagedRedis `json:"managed,omitempty"`

	// external refers to your own Redis or Valkey. Configure it to persist every write before acknowledging it: appendonly
	// yes, appendfsync always, maxmemory-policy noeviction.
	//
	// +optional
	External *ExternalRedis `json:"external,omitempty"`
}

// ManagedRedis configures the Redis that Doorbell runs for a Source.
type ManagedRedis struct {
	// storage is the volume on which Redis stores the events.
	//
	// +optional
	Storage Storage `json:"storage,omitempty,omitzero"`

	// resources are the resource requirements of the container. Redis stores events in up to three quarters of its memory
	// limit. Beyond that, Doorbell rejects events with status 429. If the memory limit is omitted, it is 1Gi.
	//
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty,omitzero"`

	// image is the container image of Redis 7 or newer, or of Valkey. If it is omitted, it is the image with which this
	// version of Doorbell was tested.
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

	// scheduling defines on which nodes Redis can run.
	//
	// +optional
	Scheduling Scheduling `json:"scheduling,omitempty,omitzero"`

	// onDelete defines what happens to the volume when the Source is deleted. With Retain, a Source that you delete and
	// create again continues with the same events, including events that are not delivered yet.
	//
	// +optional
	// +default="Retain"
	OnDelete OnDelete `json:"onDelete,omitempty"`
}

// Storage describes a volume. It cannot change after the volume is created.
//
// +kubebuilder:validation:XValidation:rule="(!has(self.size) || !has(oldSelf.size) || self.size == oldSelf.size) && (!has(self.className) || !has(oldSelf.className) || self.className == oldSelf.className)",message="the volume cannot change after it is created: restore storage, and resize the PersistentVolumeClaim data-NAME-redis-0 or create a new Source instead"
type Storage struct {
	// size is the size of the volume. If it is omitted, it is 10Gi.
	//
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// className is the name of the StorageClass. If it is omitted, the cluster's default class applies.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`
}

// RedisMode is the deployment mode of an external Redis.
//
// +kubebuilder:validation:Enum=Standalone;Sentinel;Cluster
type RedisMode string

// The deployment modes of an external Redis.
const (
	// RedisModeStandalone is a single server.
	RedisModeStandalone RedisMode = "Standalone"
	// RedisModeSentinel is a master with replicas, monitored by sentinels.
	RedisModeSentinel RedisMode = "Sentinel"
	// RedisModeCluster is a Redis Cluster.
	RedisModeCluster RedisMode = "Cluster"
)

// ExternalRedis refers to your own Redis or Valkey.
//
// +kubebuilder:validation:XValidation:rule="self.mode != 'Sentinel' || has(self.masterName)",fieldPath=".masterName",message="mode Sentinel requires masterName: the name of the master that the sentinels monitor, such as mymaster"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Sentinel' || !has(self.masterName)",fieldPath=".masterName",message="only mode Sentinel has masterName: remove masterName, or set mode to Sentinel"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Cluster' || !has(self.database) || self.database == 0",fieldPath=".database",message="a Redis Cluster has only database 0: remove database"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Standalone' || self.addresses.size() == 1",fieldPath=".addresses",message="mode Standalone requires exactly one address: for several addresses, set mode to Sentinel or Cluster"
type ExternalRedis struct {
	// mode is the deployment mode of Redis.
	//
	// +optional
	// +default="Standalone"
	Mode RedisMode `json:"mode,omitempty"`

	// addresses are the addresses of the server, of the sentinels, or of some nodes of the cluster, such as
	// redis.example.com:6379.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=3
	// +kubebuilder:validation:items:MaxLength=260
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.matches('^[^/@,\\\\s]+:[1-9][0-9]{0,4}$') && int(a.substring(a.lastIndexOf(':') + 1)) <= 65535)",message="invalid address: use HOST:PORT without scheme and password, such as redis.example.com:6379"
	Addresses []string `json:"addresses,omitempty"`

	// masterName is the name of the master that the sentinels monitor. Only mode Sentinel uses it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	MasterName string `json:"masterName,omitempty"`

	// database is the number of the database. If it is omitted, it is 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Database int32 `json:"database,omitempty"`

	// minReplicas is the number of replicas that must have an event on disk before Doorbell responds 200 to its sender.
	// While fewer replicas confirm, the sender gets status 429. More than 0 requires Redis 7.2 or newer, or Valkey, and
	// replicas with appendonly yes. If it is omitted, it is 0: Doorbell waits for the disk of the master only.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=16
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// credentials are the credentials for Redis. Doorbell uses them for the sentinels too, if they require authentication.
	//
	// +optional
	Credentials *RedisCredentials `json:"credentials,omitempty"`

	// tls enables TLS. If it is omitted, connections are not encrypted.
	//
	// +optional
	TLS *RedisTLS `json:"tls,omitempty"`
}

// RedisCredentials contains references to the credentials for a Redis.
type RedisCredentials struct {
	// passwordSecretRef refers to the password.
	//
	// +required
	PasswordSecretRef SecretKeyReference `json:"passwordSecretRef,omitzero"`

	// usernameSecretRef refers to the name of the ACL user. If it is omitted, it is the default user.
	//
	// +optional
	UsernameSecretRef *SecretKeyReference `json:"usernameSecretRef,omitempty"`
}

// RedisTLS configures encrypted connections to a Redis.
//
// +kubebuilder:validation:MinProperties=0
type RedisTLS struct {
	// serverName is the name that the certificate of the server must contain. If it is omitted, it is the host of the
	// address.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServerName string `json:"serverName,omitempty"`

	// caSecretRef refers to the certificates of the certificate authorities to trust, in PEM format. If it is omitted,
	// Doorbell trusts public certificate authorities.
	//
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}
