// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import "testing"

func TestIngestsThatAreTaken(t *testing.T) {
	takes(t, map[string]string{
		"nothing":              "ingest: {}",
		"no pods":              "ingest: {replicas: 0}",
		"some pods":            "ingest: {replicas: 100}",
		"between two bounds":   "ingest: {autoscaling: {minReplicas: 3, maxReplicas: 3, targetCPUPercent: 60}}",
		"an upper bound":       "ingest: {autoscaling: {maxReplicas: 1}}",
		"an image by digest":   "ingest: {image: 'ghcr.io/doorbell-dev/doorbell@sha256:0a'}",
		"a bundle in a Secret": "ingest: {caBundle: {secretKeyRef: {name: ca, key: ca.crt}}}",
		"every detail": `
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

func TestIngestsThatAreRefused(t *testing.T) {
	const (
		oneBundle   = "spec.ingest.caBundle: exactly one of the fields in [configMapKeyRef secretKeyRef] must be set"
		labels      = "spec.ingest.metadata.labels: labels of app.kubernetes.io/ and doorbell.dev/ are Doorbell's: choose another prefix"
		annotations = "spec.ingest.metadata.annotations: annotations of doorbell.dev/ are Doorbell's: choose another prefix"
	)
	refusesEach(t, map[string]refusal{
		"a number and bounds": {
			"ingest: {replicas: 2, autoscaling: {maxReplicas: 4}}",
			"spec.ingest: at most one of the fields in [replicas autoscaling] may be set",
		},
		"fewer than no pods":       {"ingest: {replicas: -1}", "spec.ingest.replicas: spec.ingest.replicas in body should be greater than or equal to 0"},
		"too many pods":            {"ingest: {replicas: 101}", "spec.ingest.replicas: spec.ingest.replicas in body should be less than or equal to 100"},
		"no upper bound":           {"ingest: {autoscaling: {minReplicas: 2}}", "spec.ingest.autoscaling.maxReplicas: Required value"},
		"bounds that cross":        {"ingest: {autoscaling: {minReplicas: 3, maxReplicas: 2}}", "spec.ingest.autoscaling.minReplicas: minReplicas must not be above maxReplicas"},
		"an image with a space":    {"ingest: {image: 'a b'}", "spec.ingest.image: write an image as REGISTRY/NAME:TAG"},
		"an image without a name":  {"ingest: {image: ':latest'}", "spec.ingest.image: write an image as REGISTRY/NAME:TAG"},
		"a bundle from nowhere":    {"ingest: {caBundle: {}}", oneBundle},
		"a bundle from two places": {"ingest: {caBundle: {configMapKeyRef: {name: a, key: b}, secretKeyRef: {name: a, key: b}}}", oneBundle},
		"a bundle without a key":   {"ingest: {caBundle: {configMapKeyRef: {name: a}}}", "spec.ingest.caBundle.configMapKeyRef.key: Required value"},
		"a recommended label":      {"ingest: {metadata: {labels: {app.kubernetes.io/name: x}}}", labels},
		"a label of Doorbell's":    {"ingest: {metadata: {labels: {doorbell.dev/source: x}}}", labels},
		"an annotation of ours":    {"ingest: {metadata: {annotations: {doorbell.dev/configuration: x}}}", annotations},
		"a variable twice":         {"ingest: {env: [{name: A, value: a}, {name: A, value: b}]}", "spec.ingest.env[1]: Duplicate value"},
		"a variable without name":  {"ingest: {env: [{value: a}]}", "spec.ingest.env[0].name: Required value"},
	})
}
