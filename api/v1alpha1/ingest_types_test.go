// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import "testing"

func TestValidIngestSettingsAreAdmitted(t *testing.T) {
	admitsEach(t, map[string]string{
		"nothing":                         "ingest: {}",
		"no pods":                         "ingest: {replicas: 0}",
		"some pods":                       "ingest: {replicas: 100}",
		"autoscaling with both bounds":    "ingest: {autoscaling: {minReplicas: 3, maxReplicas: 3, targetCPUPercent: 60}}",
		"autoscaling with an upper bound": "ingest: {autoscaling: {maxReplicas: 1}}",
		"an image by digest":              "ingest: {image: 'ghcr.io/doorbell-dev/doorbell@sha256:0a'}",
		"a bundle in a Secret":            "ingest: {caBundle: {secretKeyRef: {name: ca, key: ca.crt}}}",
		"every field": `
ingest:
  replicas: 3
  resources: {requests: {cpu: 250m}, limits: {memory: 1Gi}}
  image: registry.example.com/doorbell:1
  imagePullSecrets: [{name: registry}]
  metadata: {labels: {team: growth, example.com/a: b}, annotations: {prometheus.io/scrape: 'true'}}
  env: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}, {name: T, valueFrom: {secretKeyRef: {name: s, key: k}}}]
  caBundle: {configMapKeyRef: {name: ca, key: ca.crt}}
  scheduling:
    nodeSelector: {pool: web}
    tolerations: [{key: web, operator: Exists}]
    priorityClassName: high
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: []}]}}}`,
	})
}

func TestInvalidIngestSettingsAreRejected(t *testing.T) {
	const (
		oneBundle   = "spec.ingest.caBundle: exactly one of the fields in [configMapKeyRef secretKeyRef] must be set"
		labels      = "spec.ingest.metadata.labels: the prefixes app.kubernetes.io/ and doorbell.dev/ are reserved: use another prefix"
		annotations = "spec.ingest.metadata.annotations: the prefix doorbell.dev/ is reserved: use another prefix"
	)
	rejectsEach(t, map[string]rejection{
		"replicas and autoscaling": {
			"ingest: {replicas: 2, autoscaling: {maxReplicas: 4}}",
			"spec.ingest: at most one of the fields in [replicas autoscaling] may be set",
		},
		"a negative number of pods":                   {"ingest: {replicas: -1}", "spec.ingest.replicas: spec.ingest.replicas in body should be greater than or equal to 0"},
		"too many pods":                               {"ingest: {replicas: 101}", "spec.ingest.replicas: spec.ingest.replicas in body should be less than or equal to 100"},
		"autoscaling without an upper bound":          {"ingest: {autoscaling: {minReplicas: 2}}", "spec.ingest.autoscaling.maxReplicas: Required value"},
		"a lower bound above the upper bound":         {"ingest: {autoscaling: {minReplicas: 3, maxReplicas: 2}}", "spec.ingest.autoscaling.minReplicas: minReplicas must not be greater than maxReplicas"},
		"an image with a space":                       {"ingest: {image: 'a b'}", "spec.ingest.image: invalid image: use the form REGISTRY/NAME:TAG"},
		"an image without a name":                     {"ingest: {image: ':latest'}", "spec.ingest.image: invalid image: use the form REGISTRY/NAME:TAG"},
		"a bundle without a reference":                {"ingest: {caBundle: {}}", oneBundle},
		"a bundle with two references":                {"ingest: {caBundle: {configMapKeyRef: {name: a, key: b}, secretKeyRef: {name: a, key: b}}}", oneBundle},
		"a bundle without a key":                      {"ingest: {caBundle: {configMapKeyRef: {name: a}}}", "spec.ingest.caBundle.configMapKeyRef.key: Required value"},
		"a label with the prefix app.kubernetes.io/":  {"ingest: {metadata: {labels: {app.kubernetes.io/name: x}}}", labels},
		"a label with the prefix doorbell.dev/":       {"ingest: {metadata: {labels: {doorbell.dev/source: x}}}", labels},
		"an annotation with the prefix doorbell.dev/": {"ingest: {metadata: {annotations: {doorbell.dev/configuration: x}}}", annotations},
		"a variable that is set twice":                {"ingest: {env: [{name: A, value: a}, {name: A, value: b}]}", "spec.ingest.env[1]: Duplicate value"},
		"a variable that Doorbell sets":               {"ingest: {env: [{name: POD_UID, value: a}]}", "spec.ingest.env: Doorbell sets POD_UID itself: choose another name"},
		"a variable without a name":                   {"ingest: {env: [{value: a}]}", "spec.ingest.env[0].name: Required value"},
	})
}
