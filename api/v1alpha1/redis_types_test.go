// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidRedisSettingsAreAdmitted(t *testing.T) {
	admitsEach(t, map[string]string{
		"nothing": "redis: {}",
		"a managed Redis with every field": `
redis:
  managed:
    storage: {size: 20Gi, className: fast}
    resources: {limits: {memory: 2Gi}, requests: {cpu: 1, memory: 512Mi}}
    image: registry.example.com:5000/redis:8.2@sha256:0a
    imagePullSecrets: [{name: registry}]
    scheduling: {nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: high}
    onDelete: Delete`,
		"an external Redis":             "redis: {external: {addresses: ['redis.example.com:6379'], database: 3}}",
		"replicas that must confirm":    "redis: {external: {mode: Sentinel, masterName: m, addresses: ['r:1'], minReplicas: 2}}",
		"an IPv6 address":               "redis: {external: {addresses: ['[2001:db8::1]:6379']}}",
		"the highest port":              "redis: {external: {addresses: ['r:65535']}}",
		"TLS with a public certificate": "redis: {external: {addresses: ['r:6379'], tls: {}}}",
		"sentinels": `
redis:
  external:
    mode: Sentinel
    masterName: mymaster
    addresses: [a:26379, b:26379, c:26379]
    credentials: {passwordSecretRef: {name: r, key: password}, usernameSecretRef: {name: r, key: username}}`,
		"a cluster": `
redis: {external: {mode: Cluster, addresses: [a:6379, b:6379], tls: {serverName: r, caSecretRef: {name: r, key: ca.crt}}}}`,
		"database 0 of a cluster": "redis: {external: {mode: Cluster, addresses: [a:6379], database: 0}}",
	})
}

func TestInvalidRedisSettingsAreRejected(t *testing.T) {
	const (
		external = "spec.redis.external"
		hostPort = external + ".addresses: invalid address: use HOST:PORT without scheme and password, such as redis.example.com:6379"
	)
	rejectsEach(t, map[string]rejection{
		"both a managed and an external Redis": {
			"redis: {managed: {}, external: {addresses: ['r:6379']}}",
			"spec.redis: at most one of the fields in [managed external] may be set",
		},
		"no address":                  {"redis: {external: {}}", external + ".addresses: Required value"},
		"a URL as address":            {"redis: {external: {addresses: ['redis://r:6379']}}", hostPort},
		"an address with a password":  {"redis: {external: {addresses: ['u:p@r:6379']}}", hostPort},
		"two addresses in one string": {"redis: {external: {addresses: ['a:6379,b:6379']}}", hostPort},
		"an address with a space":     {"redis: {external: {addresses: ['a b:6379']}}", hostPort},
		"an address without a port":   {"redis: {external: {addresses: [redis]}}", hostPort},
		"port 0":                      {"redis: {external: {addresses: ['r:0']}}", hostPort},
		"a port above 65535":          {"redis: {external: {addresses: ['r:65536']}}", hostPort},
		"the same address twice":      {"redis: {external: {mode: Cluster, addresses: [a:1, a:1]}}", external + ".addresses[1]: Duplicate value"},
		"an unknown mode":             {"redis: {external: {mode: Ring, addresses: [a:1]}}", external + `.mode: supported values: "Standalone", "Sentinel", "Cluster"`},
		"a negative database":         {"redis: {external: {addresses: [a:1], database: -1}}", external + ".database: spec.redis.external.database in body should be greater than or equal to 0"},
		"a negative minReplicas":      {"redis: {external: {addresses: [a:1], minReplicas: -1}}", external + ".minReplicas: spec.redis.external.minReplicas in body should be greater than or equal to 0"},
		"an image with arguments":     {"redis: {managed: {image: 'redis --save'}}", "spec.redis.managed.image: invalid image: use the form REGISTRY/NAME:TAG"},
		"several addresses in mode Standalone": {
			"redis: {external: {addresses: [a:1, b:1]}}",
			external + ".addresses: mode Standalone requires exactly one address: for several addresses, set mode to Sentinel or Cluster",
		},
		"mode Sentinel without masterName": {
			"redis: {external: {mode: Sentinel, addresses: [a:1]}}",
			external + ".masterName: mode Sentinel requires masterName: the name of the master that the sentinels monitor, such as mymaster",
		},
		"masterName in mode Standalone": {
			"redis: {external: {addresses: [a:1], masterName: m}}",
			external + ".masterName: only mode Sentinel has masterName: remove masterName, or set mode to Sentinel",
		},
		"database 1 of a cluster": {
			"redis: {external: {mode: Cluster, addresses: [a:1], database: 1}}",
			external + ".database: a Redis Cluster has only database 0: remove database",
		},
		"credentials without a password": {
			"redis: {external: {addresses: [a:1], credentials: {usernameSecretRef: {name: r, key: u}}}}",
			external + ".credentials.passwordSecretRef: Required value",
		},
	})
}

func TestTheVolumeCannotChangeAfterItIsCreated(t *testing.T) {
	const (
		external = "redis: {external: {addresses: ['r:6379']}}"
		big      = "redis: {managed: {storage: {size: 20Gi}}}"
	)
	const advice = ", and resize the PersistentVolumeClaim data-NAME-redis-0 or create a new Source instead"
	var (
		changed = []string{"spec.redis.managed.storage: the volume cannot change after it is created: restore storage" + advice}
		added   = []string{"spec.redis: the volume cannot change after it is created: restore redis.managed.storage" + advice}
	)
	sources := kinds(t)["Source"]
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"the size changes":             {big, "redis: {managed: {storage: {size: 30Gi}}}", changed},
		"the class changes":            {"redis: {managed: {storage: {className: slow}}}", "redis: {managed: {storage: {className: fast}}}", changed},
		"a class is added":             {big, "redis: {managed: {storage: {size: 20Gi, className: fast}}}", added},
		"a size is added":              {"", big, added},
		"redis with a size is removed": {big, "", added},
		"the size is removed":          {big, "redis: {managed: {}}", added},
		"the same size":                {big, big, nil},
		"an empty storage is added":    {"", "redis: {managed: {storage: {}}}", nil},
		"the memory limit is added":    {big, "redis: {managed: {storage: {size: 20Gi}, resources: {limits: {memory: 2Gi}}}}", nil},
		"managed becomes external":     {big, external, nil},
		"external becomes managed":     {external, big, nil},
	} {
		t.Run(name, func(t *testing.T) {
			old := source(t, withKnock(test.before))
			if errs := sources.admit(t, old); len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(test.want, sources.change(t, old, source(t, withKnock(test.after)))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
