// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

const (
	// defaultRedisImage is the image that this version was tested with.
	defaultRedisImage = "docker.io/library/redis:8.2"
	// defaultRedisStorage is the default size of the volume.
	defaultRedisStorage = "10Gi"
	// redisUser is the user ID of the official images.
	redisUser = 999
	// probeSeconds is the period of the probes.
	probeSeconds = 5
	// redisPodManagement makes Kubernetes replace a broken pod when the template has been corrected. With the default policy, Kubernetes
	// would wait until the broken pod is ready.
	redisPodManagement = appsv1.ParallelPodManagement
	// startupProbes is how many startup probes can fail before kubelet restarts Redis: it may take an hour to load its file.
	startupProbes = 720
)

// redisSet returns the StatefulSet of the managed Redis. Its volume outlives the pod and, unless spec.redis.managed.onDelete is Delete,
// the Source.
func (r *renderer) redisSet() *appsv1ac.StatefulSetApplyConfiguration {
	labels := Selector(r.Source, ComponentRedis)
	whenDeleted := appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	if r.managedRedis().OnDelete == v1alpha1.OnDeleteDelete {
		whenDeleted = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	}
	// Redis reads its configuration and its users only when it starts, so a change must restart it.
	sum := sha256.Sum256([]byte(r.redisConf() + r.redisACL()))
	template := corev1ac.PodTemplateSpec().WithLabels(r.labels(ComponentRedis)).
		WithAnnotations(map[string]string{"doorbell.dev/redis-configuration": hex.EncodeToString(sum[:8])}).
		WithSpec(r.redisPod())
	spec := &appsv1ac.StatefulSetSpecApplyConfiguration{
		Replicas:             new(int32(1)),
		ServiceName:          new(RedisName(r.Source)),
		PodManagementPolicy:  new(cmp.Or(r.Live.RedisPodManagement, redisPodManagement)),
		Selector:             selector(labels),
		Template:             template,
		RevisionHistoryLimit: new(int32(3)),
		PersistentVolumeClaimRetentionPolicy: &appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicyApplyConfiguration{
			WhenDeleted: &whenDeleted,
			WhenScaled:  new(appsv1.RetainPersistentVolumeClaimRetentionPolicyType),
		},
	}
	spec.WithVolumeClaimTemplates(r.redisClaim())
	return appsv1ac.StatefulSet(RedisName(r.Source), r.Source.Namespace).
		WithLabels(r.labels(ComponentRedis)).WithOwnerReferences(r.owner()).WithSpec(spec)
}

// redisClaim returns the template of the volume claim.
func (r *renderer) redisClaim() *corev1ac.PersistentVolumeClaimApplyConfiguration {
	storage := r.managedRedis().Storage
	size := resource.MustParse(defaultRedisStorage)
	if storage.Size != nil {
		size = *storage.Size
	}
	spec := corev1ac.PersistentVolumeClaimSpec().WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if storage.ClassName != "" {
		spec.WithStorageClassName(storage.ClassName)
	}
	claim := corev1ac.PersistentVolumeClaim("data", "").WithLabels(r.labels(ComponentRedis)).WithSpec(spec)
	// A claim template has a name only; the constructor sets the rest.
	claim.Namespace, claim.Kind, claim.APIVersion = nil, nil, nil
	return claim
}

func (r *renderer) redisPod() *corev1ac.PodSpecApplyConfiguration {
	managed := r.managedRedis()
	container := &corev1ac.ContainerApplyConfiguration{
		Name:            new("redis"),
		Image:           new(cmp.Or(string(managed.Image), defaultRedisImage)),
		ImagePullPolicy: new(corev1.PullIfNotPresent),
		Command:         []string{"redis-server", "/etc/redis/redis.conf"},
		Ports: []corev1ac.ContainerPortApplyConfiguration{
			{Name: new("redis"), ContainerPort: new(int32(RedisPort)), Protocol: new(corev1.ProtocolTCP)},
		},
		Resources:       resources(r.redisResources()),
		SecurityContext: restrictedContainer(),
		VolumeMounts: []corev1ac.VolumeMountApplyConfiguration{
			{Name: new("data"), MountPath: new("/data")},
			{Name: new("configuration"), MountPath: new("/etc/redis"), ReadOnly: new(true)},
			{Name: new("users"), MountPath: new("/etc/redis-users"), ReadOnly: new(true)},
		},
		StartupProbe:   redisProbe().WithFailureThreshold(startupProbes),
		ReadinessProbe: redisProbe().WithFailureThreshold(2),
		LivenessProbe: corev1ac.Probe().WithTCPSocket(corev1ac.TCPSocketAction().WithPort(intstr.FromString("redis"))).
			WithPeriodSeconds(probeSeconds).WithTimeoutSeconds(5).WithFailureThreshold(12),
	}
	configuration := corev1ac.Volume().WithName("configuration").
		WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(RedisName(r.Source)))
	users := corev1ac.Volume().WithName("users").
		WithSecret(corev1ac.SecretVolumeSource().WithSecretName(RedisName(r.Source)).WithDefaultMode(0o440).WithItems(keyToPath("users.acl", "users.acl")))
	pod := corev1ac.PodSpec().
		WithContainers(container).
		WithVolumes(configuration, users).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(60).
		WithSecurityContext(restrictedPod(redisUser)).
		WithImagePullSecrets(pullSecrets(managed.ImagePullSecrets)...)
	schedule(pod, &managed.Scheduling)
	return pod
}

// redisProbe returns a probe that pings as a user who has no other rights. Redis responds with an error while it loads its file.
func redisProbe() *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithExec(corev1ac.ExecAction().WithCommand("sh", "-c",
		`test "$(redis-cli --user probe --pass probe --no-auth-warning ping)" = PONG`)).
		WithPeriodSeconds(probeSeconds).WithTimeoutSeconds(5)
}
