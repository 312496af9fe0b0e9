// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// httpRoute is what is read of an HTTPRoute: whether its Gateways take it.
type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ParentRefs []struct{} `json:"parentRefs"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			ParentRef struct {
				Name string `json:"name"`
			} `json:"parentRef"`
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

// lacks says what keeps events from coming in by the route; "" when every Gateway takes it as it is now. The conditions are
// those of the Gateway API: Accepted and ResolvedRefs have to be true, other controllers' own may mean anything.
func (r *httpRoute) lacks() string {
	if r == nil {
		return "the HTTPRoute is not made yet"
	}
	for _, parent := range r.Status.Parents {
		for _, kind := range []string{"Accepted", "ResolvedRefs"} {
			switch c := meta.FindStatusCondition(parent.Conditions, kind); {
			case c == nil || c.Status == metav1.ConditionUnknown || c.ObservedGeneration < r.Generation:
				return fmt.Sprintf("waiting for Gateway %s to say %s of the HTTPRoute", parent.ParentRef.Name, kind)
			case c.Status == metav1.ConditionFalse:
				return fmt.Sprintf("Gateway %s: %s: %s", parent.ParentRef.Name, c.Reason, c.Message)
			}
		}
	}
	if missing := len(r.Spec.ParentRefs) - len(r.Status.Parents); missing > 0 {
		return fmt.Sprintf("waiting for %d of %d Gateways to take the HTTPRoute", missing, len(r.Spec.ParentRefs))
	}
	return ""
}
