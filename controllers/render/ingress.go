// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// ingress returns the Ingress that routes the host and the path of the ingestion URL to the Service. The path ends before the token, so
// the Ingress does not reveal it.
func (r *renderer) ingress() *networkingv1ac.IngressApplyConfiguration {
	wanted := r.spec.Endpoint.Ingress
	backend := networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().WithName(IngestName(r.Source)).
		WithPort(networkingv1ac.ServiceBackendPort().WithName(layout.EventsPortName)))
	spec := networkingv1ac.IngressSpec().WithRules(networkingv1ac.IngressRule().WithHost(r.spec.Endpoint.Host).
		WithHTTP(networkingv1ac.HTTPIngressRuleValue().WithPaths(networkingv1ac.HTTPIngressPath().
			WithPath(path(r.Source) + "/").WithPathType(networkingv1.PathTypePrefix).WithBackend(backend))))
	if wanted.ClassName != "" {
		spec.WithIngressClassName(wanted.ClassName)
	}
	if wanted.TLSSecretName != "" {
		spec.WithTLS(networkingv1ac.IngressTLS().WithHosts(r.spec.Endpoint.Host).WithSecretName(wanted.TLSSecretName))
	}
	ingress := networkingv1ac.Ingress(IngestName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentEndpoint)).
		WithOwnerReferences(r.owner()).WithSpec(spec)
	if annotations := merged(controllerAnnotations(wanted.ClassName, wanted.TLSSecretName != ""), wanted.Annotations); len(annotations) > 0 {
		ingress.WithAnnotations(annotations)
	}
	return ingress
}

// controllerAnnotations returns the annotations that a well-known Ingress controller needs, by the name of its class. The controller must
// not redirect HTTP to HTTPS, because senders follow a redirect with an empty GET request and lose the event. It must also accept bodies
// up to Doorbell's own limit. The annotations of the user override these.
func controllerAnnotations(class string, tls bool) map[string]string {
	switch {
	case strings.Contains(class, "nginx"):
		return map[string]string{
			"nginx.ingress.kubernetes.io/ssl-redirect":       "false",
			"nginx.ingress.kubernetes.io/force-ssl-redirect": "false",
			"nginx.ingress.kubernetes.io/proxy-body-size":    strconv.Itoa(layout.MaxBody>>20) + "m",
		}
	case strings.Contains(class, "traefik") && tls:
		return map[string]string{"traefik.ingress.kubernetes.io/router.entrypoints": "websecure"}
	case strings.Contains(class, "haproxy"):
		return map[string]string{"haproxy.org/ssl-redirect": "false", "haproxy-ingress.github.io/ssl-redirect": "false"}
	case strings.Contains(class, "contour") && tls:
		return map[string]string{"ingress.kubernetes.io/force-ssl-redirect": "false"}
	default:
		return nil
	}
}
