// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	configuration "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// If defaultMappings is omitted, all default mappings run. If it is empty, none run. Encoding and decoding must not turn
// one into the other.
func TestOmittedAndEmptyDefaultMappingsStayDifferent(t *testing.T) {
	for name, test := range map[string]struct {
		defaults *[]string
		want     string
	}{
		"omitted": {nil, `{}`},
		"empty":   {&[]string{}, `{"defaultMappings":[]}`},
		"listed":  {&[]string{"identify-user"}, `{"defaultMappings":["identify-user"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.SourceSpec{DefaultMappings: test.defaults}
			again := &v1alpha1.SourceSpec{}
			decode(t, encode(t, spec.DeepCopy()), again)
			if diff := cmp.Diff(test.want, string(encode(t, again))); diff != "" {
				t.Errorf("type (-want +got):\n%s", diff)
			}

			applied := configuration.SourceSpec()
			decode(t, []byte(test.want), applied)
			if diff := cmp.Diff(test.want, string(encode(t, applied))); diff != "" {
				t.Errorf("apply configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// sourceWithEveryField has every field that configures the endpoint, Redis and the pods, except fields that exclude each
// other.
const sourceWithEveryField = `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
endpoint:
  host: events.example.com
  port: 8443
  scheme: HTTPS
  ingress: {className: nginx, tlsSecretName: tls, annotations: {a: b}}
  token: {secretRef: {name: token, key: token}, overlap: 1h30m}
  onDelete: Delete
redis:
  managed:
    storage: {size: 20Gi, className: fast}
    resources: {limits: {memory: 2Gi}}
    image: redis:8.2
    imagePullSecrets: [{name: registry}]
    scheduling: {nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: high}
    onDelete: Delete
ingest:
  autoscaling: {minReplicas: 2, maxReplicas: 5, targetCPUPercent: 70}
  resources: {requests: {cpu: 250m}}
  image: doorbell:1
  metadata: {labels: {team: growth}, annotations: {a: b}}
  env: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}]
  caBundle: {configMapKeyRef: {name: ca, key: ca.crt}}
  scheduling: {affinity: {podAffinity: {}}}
`

// sourceWithAlternatives has the fields that sourceWithEveryField cannot have.
const sourceWithAlternatives = `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
endpoint: {host: a.b, httpRoute: {parentRefs: [{name: g, namespace: gateways, sectionName: https}], annotations: {a: b}}}
redis:
  external:
    mode: Sentinel
    masterName: mymaster
    addresses: [a:26379, b:26379]
    database: 3
    minReplicas: 2
    credentials: {passwordSecretRef: {name: r, key: p}, usernameSecretRef: {name: r, key: u}}
    tls: {serverName: r, caSecretRef: {name: r, key: ca.crt}}
ingest: {replicas: 0, caBundle: {secretKeyRef: {name: ca, key: ca.crt}}}
`

// A client that reads a Source and writes it back must not change it. The same holds for apply configurations.
func TestReadingAndWritingASourceDoesNotChangeIt(t *testing.T) {
	sources := kinds(t)["Source"]
	for name, text := range map[string]string{
		"minimal": withKnock(""), "every field": sourceWithEveryField, "the alternatives": sourceWithAlternatives,
		"fields that are empty on purpose": withKnock("redis: {external: {addresses: [a:1], tls: {}}}\ndefaultMappings: []\nendpoint: {host: a, ingress: {}}"),
	} {
		t.Run(name, func(t *testing.T) {
			admitted := source(t, text)
			if errs := sources.admit(t, admitted); len(errs) > 0 {
				t.Fatal(errs)
			}
			typed := &v1alpha1.Source{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(admitted, typed, true); err != nil {
				t.Fatal(err)
			}
			applied := &configuration.SourceApplyConfiguration{}
			decode(t, encode(t, admitted), applied)
			for side, again := range map[string]map[string]any{"type": object(t, string(encode(t, typed))), "apply configuration": object(t, string(encode(t, applied)))} {
				if errs := sources.admit(t, again); len(errs) > 0 {
					t.Errorf("%s: %v", side, errs)
				}
				if diff := cmp.Diff(admitted, again, cmp.Comparer(equalText)); diff != "" {
					t.Errorf("%s (-server +client):\n%s", side, diff)
				}
			}
		})
	}
}

// equalText reports whether two texts are equal, or are equal durations such as 24h and 24h0m0s.
func equalText(a, b string) bool {
	first, err := time.ParseDuration(a)
	second, otherErr := time.ParseDuration(b)
	return a == b || err == nil && otherErr == nil && first == second
}

func TestAddToSchemeRegistersEveryKind(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for name, definition := range definitions(t) {
		for _, kind := range []string{definition.Spec.Names.Kind, definition.Spec.Names.ListKind} {
			if !scheme.Recognizes(v1alpha1.SchemeGroupVersion.WithKind(kind)) {
				t.Errorf("%s: the scheme does not recognize %s", name, kind)
			}
		}
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}
