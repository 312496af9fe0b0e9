// SPDX-License-Identifier: Apache-2.0

package source

import (
	"slices"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// knockReachable reports the worst state of Knock that a pod sees.
func (s *state) knockReachable() conditionState {
	if s.source.Spec.Delivery.Suspend {
		return harmless(unknown(v1alpha1.ReasonSuspended, "spec.delivery.suspend pauses deliveries; events are still accepted and stored"))
	}
	worst := report.Knock{State: report.KnockIdle}
	for _, pod := range s.pods {
		if pod.ready && pod.report != nil && !pod.report.Configuration.APIKey {
			return failed(v1alpha1.ReasonProgressing, "waiting for pod %s to load the API key; it makes no calls until then", pod.object.Name)
		}
		if pod.report != nil && severity(pod.report.Knock.State) > severity(worst.State) {
			worst = pod.report.Knock
		}
	}
	switch worst.State {
	case report.KnockUnauthorized:
		return stalled(failed(v1alpha1.ReasonUnauthorized, "%s; deliveries are paused until Secret %q has a valid key, and no event is lost",
			worst.Problem, s.source.Spec.Knock.APIKeySecretRef.Name))
	case report.KnockUnreachable:
		return harmless(failed(v1alpha1.ReasonUnreachable, "%s; Doorbell retries the calls", worst.Problem))
	case report.KnockRateLimited:
		return harmless(failed(v1alpha1.ReasonRateLimited, "%s; Doorbell slows down deliveries", worst.Problem))
	case report.KnockReachable:
		return succeeded("Knock answered the most recent calls")
	default:
		return harmless(unknown(v1alpha1.ReasonNotCalled, "no pod has called Knock yet"))
	}
}

// severity orders the states of Knock from the least to the most severe.
func severity(state report.KnockState) int {
	return slices.Index([]report.KnockState{
		report.KnockIdle, report.KnockReachable, report.KnockRateLimited, report.KnockUnreachable, report.KnockUnauthorized,
	}, state)
}
