// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRedisesThatAreTaken(t *testing.T) {
	takes(t, map[string]string{
		"nothing": "redis: {}",
		"a managed one in every detail": `
redis:
  managed:
    storage: {size: 20Gi, className: fast}
    resources: {limits: {memory: 2Gi}, requests: {cpu: 1, memory: 512Mi}}
    image: registry.example.com:5000/redis:8.2@sha256:0a
    imagePullSecrets: [{name: registry}]
    scheduling: {nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: high}
    onDelete: Delete`,
		"an external one":         "redis: {external: {addresses: ['redis.example.com:6379'], database: 3}}",
		"an address of version 6": "redis: {external: {addresses: ['[2001:db8::1]:6379']}}",
		"the highest port":        "redis: {external: {addresses: ['r:65535']}}",
		"TLS with public names":   "redis: {external: {addresses: ['r:6379'], tls: {}}}",
		"sentinels": `
redis:
  external:
    mode: Sentinel
    masterName: mymaster
    addresses: [a:26379, b:26379, c:26379]
    credentials: {passwordSecretRef: {name: r, key: password}, usernameSecretRef: {name: r, key: username}}`,
		"a cluster": `
redis: {external: {mode: Cluster, addresses: [a:6379, b:6379], tls: {serverName: r, caSecretRef: {name: r, key: ca.crt}}}}`,
		"a cluster's only database": "redis: {external: {mode: Cluster, addresses: [a:6379], database: 0}}",
	})
}

func TestRedisesThatAreRefused(t *testing.T) {
	const (
		external = "spec.redis.external"
		hostPort = external + ".addresses: write HOST:PORT without scheme or password, such as redis.example.com:6379"
	)
	refusesEach(t, map[string]refusal{
		"two": {
			"redis: {managed: {}, external: {addresses: ['r:6379']}}",
			"spec.redis: at most one of the fields in [managed external] may be set",
		},
		"no address":         {"redis: {external: {}}", external + ".addresses: Required value"},
		"a URL":              {"redis: {external: {addresses: ['redis://r:6379']}}", hostPort},
		"a password":         {"redis: {external: {addresses: ['u:p@r:6379']}}", hostPort},
		"two in one":         {"redis: {external: {addresses: ['a:6379,b:6379']}}", hostPort},
		"a space":            {"redis: {external: {addresses: ['a b:6379']}}", hostPort},
		"no port":            {"redis: {external: {addresses: [redis]}}", hostPort},
		"port 0":             {"redis: {external: {addresses: ['r:0']}}", hostPort},
		"a port beyond":      {"redis: {external: {addresses: ['r:65536']}}", hostPort},
		"an address twice":   {"redis: {external: {mode: Cluster, addresses: [a:1, a:1]}}", external + ".addresses[1]: Duplicate value"},
		"an unknown mode":    {"redis: {external: {mode: Ring, addresses: [a:1]}}", external + `.mode: supported values: "Standalone", "Sentinel", "Cluster"`},
		"a database beyond":  {"redis: {external: {addresses: [a:1], database: -1}}", external + ".database: spec.redis.external.database in body should be greater than or equal to 0"},
		"an image with args": {"redis: {managed: {image: 'redis --save'}}", "spec.redis.managed.image: write an image as REGISTRY/NAME:TAG"},
		"several for one": {
			"redis: {external: {addresses: [a:1, b:1]}}",
			external + ".addresses: mode Standalone has one address; for several, say mode Sentinel or Cluster",
		},
		"sentinels without a master": {
			"redis: {external: {mode: Sentinel, addresses: [a:1]}}",
			external + ".masterName: mode Sentinel needs masterName: the name by which the sentinels know the master, such as mymaster",
		},
		"a master without sentinels": {
			"redis: {external: {addresses: [a:1], masterName: m}}",
			external + ".masterName: masterName is for mode Sentinel only: remove it",
		},
		"a cluster's other database": {
			"redis: {external: {mode: Cluster, addresses: [a:1], database: 1}}",
			external + ".database: a Redis Cluster has database 0 only: remove it",
		},
		"credentials without a password": {
			"redis: {external: {addresses: [a:1], credentials: {usernameSecretRef: {name: r, key: u}}}}",
			external + ".credentials.passwordSecretRef: Required value",
		},
	})
}

func TestTheVolumeStaysAsItWasMade(t *testing.T) {
	const (
		external = "redis: {external: {addresses: ['r:6379']}}"
		big      = "redis: {managed: {storage: {size: 20Gi}}}"
	)
	const asItWas = " back as it was, and resize the PersistentVolumeClaim data-NAME-redis-0 instead, or move to a new Source"
	var (
		changed = []string{"spec.redis.managed.storage: the volume is made once: put storage" + asItWas}
		moved   = []string{"spec.redis: the volume is made once: put redis.managed.storage" + asItWas}
	)
	sources := kinds(t)["Source"]
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"another size":                    {big, "redis: {managed: {storage: {size: 30Gi}}}", changed},
		"another class":                   {"redis: {managed: {storage: {className: slow}}}", "redis: {managed: {storage: {className: fast}}}", changed},
		"a class where there was none":    {big, "redis: {managed: {storage: {size: 20Gi, className: fast}}}", moved},
		"a size where there was none":     {"", big, moved},
		"no Redis where there was a size": {big, "", moved},
		"no size where there was one":     {big, "redis: {managed: {}}", moved},
		"the same":                        {big, big, nil},
		"nothing, in other words":         {"", "redis: {managed: {storage: {}}}", nil},
		"other memory":                    {big, "redis: {managed: {storage: {size: 20Gi}, resources: {limits: {memory: 2Gi}}}}", nil},
		"to a Redis of one's own":         {big, external, nil},
		"and back to a new volume":        {external, big, nil},
	} {
		t.Run(name, func(t *testing.T) {
			old := source(t, withKnock(test.before))
			if errs := sources.admit(t, old); len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(test.want, sources.change(t, old, source(t, withKnock(test.after)))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
