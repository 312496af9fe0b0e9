// SPDX-License-Identifier: Apache-2.0

package render

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1ac "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// httpRoute returns the HTTPRoute that routes the host and the path of the ingestion URL to the Service. The path ends before the token, so the route does not
// reveal it.
func (r *renderer) httpRoute() *gatewayv1ac.HTTPRouteApplyConfiguration {
	wanted := r.spec.Endpoint.HTTPRoute
	match := gatewayv1ac.HTTPRouteMatch().
		WithPath(gatewayv1ac.HTTPPathMatch().WithType(gatewayv1.PathMatchPathPrefix).WithValue(path(r.Source)))
	backend := gatewayv1ac.HTTPBackendRef().
		WithGroup("").WithKind("Service").WithName(gatewayv1.ObjectName(IngestName(r.Source))).WithPort(servicePort)
	spec := gatewayv1ac.HTTPRouteSpec().
		WithHostnames(gatewayv1.Hostname(r.spec.Endpoint.Host)).
		WithRules(gatewayv1ac.HTTPRouteRule().WithMatches(match).WithBackendRefs(backend))
	for _, gateway := range wanted.ParentRefs {
		spec.WithParentRefs(parentRef(gateway))
	}
	route := gatewayv1ac.HTTPRoute(IngestName(r.Source), r.Source.Namespace).
		WithLabels(r.labels(ComponentEndpoint)).WithOwnerReferences(r.owner()).WithSpec(spec)
	if len(wanted.Annotations) > 0 {
		route.WithAnnotations(wanted.Annotations)
	}
	return route
}

func parentRef(gateway v1alpha1.GatewayReference) *gatewayv1ac.ParentReferenceApplyConfiguration {
	parent := gatewayv1ac.ParentReference().WithGroup(gatewayv1.GroupName).WithKind("Gateway").WithName(gatewayv1.ObjectName(gateway.Name))
	if gateway.Namespace != "" {
		parent.WithNamespace(gatewayv1.Namespace(gateway.Namespace))
	}
	if gateway.SectionName != "" {
		parent.WithSectionName(gatewayv1.SectionName(gateway.SectionName))
	}
	return parent
}
