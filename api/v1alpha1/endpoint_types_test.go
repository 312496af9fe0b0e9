// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import "testing"

func TestValidEndpointsAreAdmitted(t *testing.T) {
	admitsEach(t, map[string]string{
		"nothing":                             "endpoint: {}",
		"a host without a route":              "endpoint: {host: events.example.com}",
		"a host of one label":                 "endpoint: {host: localhost, port: 18080, scheme: HTTP}",
		"TLS that a load balancer terminates": "endpoint: {host: events.example.com, scheme: HTTPS, ingress: {className: nginx}}",
		"an ingress with TLS":                 "endpoint: {host: events.example.com, ingress: {className: nginx, tlsSecretName: tls, annotations: {a/b: c}}}",
		"an ingress with the defaults":        "endpoint: {host: events.example.com, ingress: {}}",
		"an httpRoute": "endpoint: {host: events.example.com, httpRoute: {parentRefs: " +
			"[{name: public}, {name: public, namespace: gateways, sectionName: https}]}}",
		"a token from a Secret":  "endpoint: {token: {secretRef: {name: s, key: k}}}",
		"no overlap":             "endpoint: {token: {overlap: 0s}}",
		"thirty days of overlap": "endpoint: {token: {overlap: 720h}, onDelete: Delete}",
	})
}

func TestInvalidEndpointsAreRejected(t *testing.T) {
	const (
		needsHost = "spec.endpoint.host: ingress and httpRoute require endpoint.host: the host name that senders use, such as events.example.com"
		badHost   = "spec.endpoint.host: invalid host: use a DNS name without scheme, port and path, such as events.example.com"
		overlap   = "spec.endpoint.token.overlap: invalid duration: use a value from 0s to 720h, such as 24h"
		route     = "endpoint: {host: a.b, httpRoute: "
	)
	rejectsEach(t, map[string]rejection{
		"an ingress without a host":   {"endpoint: {ingress: {}}", needsHost},
		"an httpRoute without a host": {"endpoint: {httpRoute: {parentRefs: [{name: g}]}}", needsHost},
		"both an ingress and an httpRoute": {
			"endpoint: {host: a.b, ingress: {}, httpRoute: {parentRefs: [{name: g}]}}",
			"spec.endpoint: at most one of the fields in [ingress httpRoute] may be set",
		},
		"a URL as host":                      {"endpoint: {host: 'https://a.b'}", badHost},
		"a host with a port":                 {"endpoint: {host: 'a.b:443'}", badHost},
		"a host with a path":                 {"endpoint: {host: a.b/c}", badHost},
		"a wildcard":                         {"endpoint: {host: '*.example.com'}", badHost},
		"a host in capitals":                 {"endpoint: {host: Events.example.com}", badHost},
		"port 0":                             {"endpoint: {port: 0}", "spec.endpoint.port: spec.endpoint.port in body should be greater than or equal to 1"},
		"a port above 65535":                 {"endpoint: {port: 65536}", "spec.endpoint.port: spec.endpoint.port in body should be less than or equal to 65535"},
		"an unknown scheme":                  {"endpoint: {scheme: https}", `spec.endpoint.scheme: supported values: "HTTP", "HTTPS"`},
		"an unknown onDelete":                {"endpoint: {onDelete: Keep}", `spec.endpoint.onDelete: supported values: "Retain", "Delete"`},
		"an httpRoute without parentRefs":    {route + "{}}", "spec.endpoint.httpRoute.parentRefs: Required value"},
		"an httpRoute with empty parentRefs": {route + "{parentRefs: []}}", "spec.endpoint.httpRoute.parentRefs: spec.endpoint.httpRoute.parentRefs in body should have at least 1 items"},
		"a Gateway without a name":           {route + "{parentRefs: [{namespace: gateways}]}}", "spec.endpoint.httpRoute.parentRefs[0].name: Required value"},
		"an overlap in days":                 {"endpoint: {token: {overlap: 1d}}", overlap},
		"an overlap of 31 days":              {"endpoint: {token: {overlap: 744h}}", overlap},
		"a negative overlap":                 {"endpoint: {token: {overlap: -1s}}", overlap},
		"an empty overlap":                   {"endpoint: {token: {overlap: ''}}", overlap},
		"a token without the key in its Secret": {
			"endpoint: {token: {secretRef: {name: s}}}", "spec.endpoint.token.secretRef.key: Required value",
		},
	})
}
