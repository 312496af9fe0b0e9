// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// routeBlockedReason returns why events cannot arrive through the route yet, or "" if every Gateway accepts it in its current
// generation. Of the conditions that the Gateways report, only the Gateway API's own Accepted and ResolvedRefs have to be true: the
// meaning of others is up to the controller that sets them.
func routeBlockedReason(route *gatewayv1.HTTPRoute) string {
	if route == nil {
		return "the HTTPRoute does not exist yet"
	}
	for _, parent := range route.Status.Parents {
		for _, kind := range []gatewayv1.RouteConditionType{gatewayv1.RouteConditionAccepted, gatewayv1.RouteConditionResolvedRefs} {
			switch c := meta.FindStatusCondition(parent.Conditions, string(kind)); {
			case c == nil || c.Status == metav1.ConditionUnknown || c.ObservedGeneration < route.Generation:
				return fmt.Sprintf("waiting for Gateway %q to report %s for the HTTPRoute", parent.ParentRef.Name, kind)
			case c.Status == metav1.ConditionFalse:
				return fmt.Sprintf("Gateway %q rejects the HTTPRoute: %s: %s", parent.ParentRef.Name, c.Reason, c.Message)
			}
		}
	}
	if missing := len(route.Spec.ParentRefs) - len(route.Status.Parents); missing > 0 {
		return fmt.Sprintf("waiting for %d of %d Gateways to accept the HTTPRoute", missing, len(route.Spec.ParentRefs))
	}
	return ""
}
