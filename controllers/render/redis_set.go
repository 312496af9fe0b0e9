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
	// defaultRedisImage is the one that this version was tested with.
	defaultRedisImage = "docker.io/library/redis:8.2"
	// defaultRedisStorage is the size of the volume.
	defaultRedisStorage = "10Gi"
	// redisUser is the user of the official images.
	redisUser = 999
	// loadFor is how long Redis may take to read its file before it counts as hung, in probes of probeEvery seconds.
	loadFor, probeEvery = 720, 5
)

// redisSet runs Redis with a volume that outlives the pod, and the Source too unless told otherwise.
func (r *renderer) redisSet() *appsv1ac.StatefulSetApplyConfiguration {
	labels := Selector(r.Source, ComponentRedis)
	whenDeleted := appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	if r.managedRedis().OnDelete == v1alpha1.OnDeleteDelete {
		whenDeleted = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	}
	// What Redis reads at its start only: a change restarts it.
	sum := sha256.Sum256([]byte(r.redisConf() + r.redisACL()))
	template := corev1ac.PodTemplateSpec().WithLabels(r.labels(ComponentRedis)).
		WithAnnotations(map[string]string{"doorbell.dev/redis-configuration": hex.EncodeToString(sum[:8])}).
		WithSpec(r.redisPod())
	return appsv1ac.StatefulSet(RedisName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentRedis)).WithOwnerReferences(r.owner()).
		WithSpec(appsv1ac.StatefulSetSpec().WithReplicas(1).WithServiceName(RedisName(r.Source)).WithSelector(selector(labels)).
			WithTemplate(template).WithVolumeClaimTemplates(r.redisClaim()).WithRevisionHistoryLimit(3).
			WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
				WithWhenDeleted(whenDeleted).WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)))
}

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
	claim.Namespace, claim.Kind, claim.APIVersion = nil, nil, nil
	return claim
}

func (r *renderer) redisPod() *corev1ac.PodSpecApplyConfiguration {
	managed := r.managedRedis()
	container := corev1ac.Container().WithName("redis").WithImage(cmp.Or(string(managed.Image), defaultRedisImage)).
		WithImagePullPolicy(corev1.PullIfNotPresent).
		WithCommand("redis-server", "/etc/redis/redis.conf").
		WithPorts(corev1ac.ContainerPort().WithName("redis").WithContainerPort(RedisPort).WithProtocol(corev1.ProtocolTCP)).
		WithResources(resources(r.redisResources())).WithSecurityContext(restrictedContainer()).
		WithVolumeMounts(
			corev1ac.VolumeMount().WithName("data").WithMountPath("/data"),
			corev1ac.VolumeMount().WithName("configuration").WithMountPath("/etc/redis").WithReadOnly(true),
			corev1ac.VolumeMount().WithName("users").WithMountPath("/etc/redis-users").WithReadOnly(true)).
		WithStartupProbe(redisProbe().WithFailureThreshold(loadFor)).
		WithReadinessProbe(redisProbe().WithFailureThreshold(2)).
		WithLivenessProbe(corev1ac.Probe().WithTCPSocket(corev1ac.TCPSocketAction().WithPort(intstr.FromString("redis"))).
			WithPeriodSeconds(probeEvery).WithTimeoutSeconds(5).WithFailureThreshold(12))
	pod := corev1ac.PodSpec().WithContainers(container).WithAutomountServiceAccountToken(false).WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(60).WithSecurityContext(restrictedPod(redisUser)).
		WithVolumes(
			corev1ac.Volume().WithName("configuration").WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(RedisName(r.Source))),
			corev1ac.Volume().WithName("users").WithSecret(corev1ac.SecretVolumeSource().WithSecretName(RedisName(r.Source)).
				WithDefaultMode(0o440).WithItems(corev1ac.KeyToPath().WithKey("users.acl").WithPath("users.acl"))))
	schedule(pod, &managed.Scheduling)
	pod.WithImagePullSecrets(pullSecrets(managed.ImagePullSecrets)...)
	return pod
}

// redisProbe asks as a user who may do nothing else. Redis answers it with an error while it reads its file.
func redisProbe() *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithExec(corev1ac.ExecAction().WithCommand("sh", "-c",
		`test "$(redis-cli --user probe --pass probe --no-auth-warning ping)" = PONG`)).
		WithPeriodSeconds(probeEvery).WithTimeoutSeconds(5)
}
