// SPDX-License-Identifier: Apache-2.0

package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

const (
	// defaultRedisMemory is the memory limit of the managed Redis.
	defaultRedisMemory = "1Gi"
	// redisConf keeps what is acknowledged, and refuses what does not fit: the sender hears 429 and tries again.
	redisConf = `port %d
dir /data
appendonly yes
appendfsync always
save ""
maxmemory %d
maxmemory-policy noeviction
aclfile /etc/redis-users/users.acl
protected-mode no
tcp-keepalive 60
`
)

// redis is the managed Redis and what belongs to it; nothing when the Source names another.
func (r *renderer) redis() []runtime.ApplyConfiguration {
	if r.spec.Redis.External != nil {
		return nil
	}
	return []runtime.ApplyConfiguration{r.redisSecret(), r.redisConfig(), r.redisService(), r.redisPolicy(), r.redisSet()}
}

// managedRedis is the spec of the managed Redis, whether it was written or not.
func (r *renderer) managedRedis() v1alpha1.ManagedRedis {
	if r.spec.Redis.Managed == nil {
		return v1alpha1.ManagedRedis{}
	}
	return *r.spec.Redis.Managed
}

// redisACL lets the ingest pods do what they do and nothing else, on Doorbell's own keys; and the probes ping. The default user is off,
// so nobody is it, but it must be allowed everything: Redis 7.0 reads its append-only file as that user, and drops what it may not do.
func (r *renderer) redisACL() string {
	sum := sha256.Sum256([]byte(r.Redis.Password))
	return fmt.Sprintf("user default off resetpass ~* &* +@all\nuser probe on nopass resetkeys -@all +ping\nuser %s on #%s %s\n",
		r.Redis.Username, hex.EncodeToString(sum[:]), keyspace.Access)
}

func (r *renderer) redisSecret() *corev1ac.SecretApplyConfiguration {
	return corev1ac.Secret(RedisName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentRedis)).WithOwnerReferences(r.owner()).
		WithData(map[string][]byte{
			RedisUsernameKey: []byte(r.Redis.Username), RedisPasswordKey: []byte(r.Redis.Password), "users.acl": []byte(r.redisACL()),
		})
}

func (r *renderer) redisConf() string {
	limit := r.redisResources().Limits[corev1.ResourceMemory]
	return fmt.Sprintf(redisConf, RedisPort, limit.Value()/4*3) // the rest is for buffers, and for pages copied while the file is rewritten
}

func (r *renderer) redisConfig() *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(RedisName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentRedis)).WithOwnerReferences(r.owner()).
		WithData(map[string]string{"redis.conf": r.redisConf()})
}

func (r *renderer) redisService() *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(RedisName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentRedis)).WithOwnerReferences(r.owner()).
		WithSpec(corev1ac.ServiceSpec().WithClusterIP(corev1.ClusterIPNone).WithSelector(Selector(r.Source, ComponentRedis)).
			WithPorts(corev1ac.ServicePort().WithName("redis").WithProtocol(corev1.ProtocolTCP).WithPort(RedisPort).
				WithTargetPort(intstr.FromString("redis"))))
}

// redisResources are the user's, with a memory limit in any case: maxmemory is made from it.
func (r *renderer) redisResources() corev1.ResourceRequirements {
	managed := r.managedRedis()
	wanted := *managed.Resources.DeepCopy()
	if wanted.Limits == nil {
		wanted.Limits = corev1.ResourceList{}
	}
	if _, ok := wanted.Limits[corev1.ResourceMemory]; !ok {
		wanted.Limits[corev1.ResourceMemory] = resource.MustParse(defaultRedisMemory)
	}
	if wanted.Requests == nil {
		wanted.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi"),
		}
		if limit := wanted.Limits[corev1.ResourceMemory]; limit.Cmp(wanted.Requests[corev1.ResourceMemory]) < 0 {
			wanted.Requests[corev1.ResourceMemory] = limit
		}
	}
	return wanted
}
