// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import "testing"

func TestEndpointsThatAreTaken(t *testing.T) {
	takes(t, map[string]string{
		"nothing":               "endpoint: {}",
		"a host alone":          "endpoint: {host: events.example.com}",
		"a host of one label":   "endpoint: {host: localhost, port: 18080, scheme: HTTP}",
		"TLS ended before":      "endpoint: {host: events.example.com, scheme: HTTPS, ingress: {className: nginx}}",
		"an ingress with TLS":   "endpoint: {host: events.example.com, ingress: {className: nginx, tlsSecretName: tls, annotations: {a/b: c}}}",
		"an ingress by default": "endpoint: {host: events.example.com, ingress: {}}",
		"a route": "endpoint: {host: events.example.com, httpRoute: {parentRefs: " +
			"[{name: public}, {name: public, namespace: gateways, sectionName: https}]}}",
		"a token of one's own":   "endpoint: {token: {secretRef: {name: s, key: k}}}",
		"no overlap":             "endpoint: {token: {overlap: 0s}}",
		"thirty days of overlap": "endpoint: {token: {overlap: 720h}, onDelete: Delete}",
	})
}

func TestEndpointsThatAreRefused(t *testing.T) {
	const (
		needsHost = "spec.endpoint.host: an ingress or httpRoute needs endpoint.host: the name that senders use, such as events.example.com"
		aName     = "spec.endpoint.host: write a DNS name without scheme, port or path, such as events.example.com"
		overlap   = "spec.endpoint.token.overlap: write a duration from 0s to 720h, such as 24h"
		route     = "endpoint: {host: a.b, httpRoute: "
	)
	refusesEach(t, map[string]refusal{
		"an ingress without a host": {"endpoint: {ingress: {}}", needsHost},
		"a route without a host":    {"endpoint: {httpRoute: {parentRefs: [{name: g}]}}", needsHost},
		"both ways in": {
			"endpoint: {host: a.b, ingress: {}, httpRoute: {parentRefs: [{name: g}]}}",
			"spec.endpoint: at most one of the fields in [ingress httpRoute] may be set",
		},
		"a URL for a host":       {"endpoint: {host: 'https://a.b'}", aName},
		"a host with a port":     {"endpoint: {host: 'a.b:443'}", aName},
		"a host with a path":     {"endpoint: {host: a.b/c}", aName},
		"a wildcard":             {"endpoint: {host: '*.example.com'}", aName},
		"a host in capitals":     {"endpoint: {host: Events.example.com}", aName},
		"port 0":                 {"endpoint: {port: 0}", "spec.endpoint.port: spec.endpoint.port in body should be greater than or equal to 1"},
		"a port that is none":    {"endpoint: {port: 65536}", "spec.endpoint.port: spec.endpoint.port in body should be less than or equal to 65535"},
		"an unknown scheme":      {"endpoint: {scheme: https}", `spec.endpoint.scheme: supported values: "HTTP", "HTTPS"`},
		"an unknown fate":        {"endpoint: {onDelete: Keep}", `spec.endpoint.onDelete: supported values: "Retain", "Delete"`},
		"a route to nowhere":     {route + "{}}", "spec.endpoint.httpRoute.parentRefs: Required value"},
		"a route to no Gateway":  {route + "{parentRefs: []}}", "spec.endpoint.httpRoute.parentRefs: spec.endpoint.httpRoute.parentRefs in body should have at least 1 items"},
		"a Gateway without name": {route + "{parentRefs: [{namespace: gateways}]}}", "spec.endpoint.httpRoute.parentRefs[0].name: Required value"},
		"an overlap in days":     {"endpoint: {token: {overlap: 1d}}", overlap},
		"an overlap of 31 days":  {"endpoint: {token: {overlap: 744h}}", overlap},
		"a negative overlap":     {"endpoint: {token: {overlap: -1s}}", overlap},
		"an empty overlap":       {"endpoint: {token: {overlap: ''}}", overlap},
		"a token without its key": {
			"endpoint: {token: {secretRef: {name: s}}}", "spec.endpoint.token.secretRef.key: Required value",
		},
	})
}
