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
	// defaultRedisMemory is the default memory limit of the managed Redis.
	defaultRedisMemory = "1Gi"
	// redisConf is the configuration of the managed Redis. Redis syncs its append-only file before it acknowledges a write, and never
	// evicts keys: if the memory is full, it rejects the write, and the sender receives status 429 and retries.
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

// redis returns the objects of the managed Redis, or none if the Source uses an external Redis.
func (r *renderer) redis() []runtime.ApplyConfiguration {
	if r.spec.Redis.External != nil {
		return nil
	}
	return []runtime.ApplyConfiguration{r.redisSecret(), r.redisConfig(), r.redisService(), r.redisPolicy(), r.redisSet()}
}

// managedRedis returns the spec of the managed Redis, or the zero value if the Source does not set it.
func (r *renderer) managedRedis() v1alpha1.ManagedRedis {
	if r.spec.Redis.Managed == nil {
		return v1alpha1.ManagedRedis{}
	}
	return *r.spec.Redis.Managed
}

// redisACL returns the access control list of the managed Redis. The ingest pods can run only the commands that they need, on Doorbell's
// own keys, and the probes can only ping. The default user is disabled, so every client must authenticate. It still needs all rights:
// Redis 7.0 loads its append-only file as the default user and drops commands that this user is not allowed to run.
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

// redisConf returns redis.conf.
func (r *renderer) redisConf() string {
	limit := r.redisResources().Limits[corev1.ResourceMemory]
	return fmt.Sprintf(redisConf, RedisPort, limit.Value()/4*3) // a quarter is left for buffers and for pages copied during a rewrite of the file
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

// redisResources returns the resources that the user chose, or the defaults. They always contain a memory limit, because maxmemory is
// derived from it.
func (r *renderer) redisResources() corev1.ResourceRequirements {
	managed := r.managedRedis()
	wanted := *managed.Resources.DeepCopy()
	if wanted.Limits == nil {
		wanted.Limits = corev1.ResourceList{}
	}
	if _, ok := wanted.Limits[corev1.ResourceMemory]; !ok {
		limit := resource.MustParse(defaultRedisMemory)
		if request := wanted.Requests[corev1.ResourceMemory]; request.Cmp(limit) > 0 {
			limit = request // a pod with a request above its limit is invalid
		}
		wanted.Limits[corev1.ResourceMemory] = limit
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
