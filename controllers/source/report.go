// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	apiac "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// report writes the status where it changed, and an event for each condition that did. It says whether nothing is on its way.
func (r *Reconciler) report(ctx context.Context, seen *world, retryable error) (settled bool, err error) {
	set := seen.conditions(retryable)
	settled = set.Get(v1alpha1.ConditionReconciling) == nil && seen.tokens.shown == seen.tokens.current
	status := seen.status(set)
	if equality.Semantic.DeepEqual(status, seen.source.Status) {
		return settled, nil
	}
	configuration := apiac.Source(seen.source.Name, seen.source.Namespace).WithUID(seen.source.UID).WithStatus(applyStatus(status))
	if err := r.Client.Status().Apply(ctx, configuration, client.ForceOwnership); apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil // it is gone; forced, only the UID conflicts
	} else if err != nil {
		return false, fmt.Errorf("write the status: %w", err)
	}
	if configuration.ResourceVersion != nil {
		r.Reported.Wrote(seen.source.UID, *configuration.ResourceVersion, status)
	}
	r.tell(seen.source, set)
	return settled, nil
}

func (w *world) status(set *condition.Set) v1alpha1.SourceStatus {
	url, host := render.URL(w.source)
	mistakes, _ := w.compiled.byMapping()
	delete(mistakes, "")
	status := v1alpha1.SourceStatus{
		Conditions: set.List(), ObservedGeneration: w.source.Generation,
		URL: url, Host: host, EndpointSecretName: render.EndpointSecretName(w.source),
		Mappings: &v1alpha1.MappingCounts{Accepted: count(len(w.mappings) - len(mistakes)), Rejected: count(len(mistakes))},
	}
	if w.tokens.previous != "" {
		status.Rotation = &v1alpha1.TokenRotation{PreviousValidUntil: metav1.NewTime(w.tokens.until)}
	}
	if w.compiled.bundle != nil {
		version, pods := w.compiled.bundle.Version, 0
		for _, pod := range w.pods {
			if pod.ready && pod.runs(version) {
				pods++
			}
		}
		status.Configuration = &v1alpha1.ConfigurationStatus{Version: version, Pods: count(pods)}
	}
	if w.deployment != nil {
		status.Replicas = &v1alpha1.ReplicaCounts{Desired: w.deployment.Spec.Replicas, Ready: &w.deployment.Status.ReadyReplicas}
	}
	return status
}

func count(n int) *int32 {
	c := int32(n)
	return &c
}

func applyStatus(status v1alpha1.SourceStatus) *apiac.SourceStatusApplyConfiguration {
	out := apiac.SourceStatus().WithConditions(condition.Apply(status.Conditions)...).WithObservedGeneration(status.ObservedGeneration).
		WithURL(status.URL).WithHost(status.Host).WithEndpointSecretName(status.EndpointSecretName).
		WithMappings(apiac.MappingCounts().WithAccepted(*status.Mappings.Accepted).WithRejected(*status.Mappings.Rejected))
	if status.Rotation != nil {
		out.WithRotation(apiac.TokenRotation().WithPreviousValidUntil(status.Rotation.PreviousValidUntil))
	}
	if status.Configuration != nil {
		out.WithConfiguration(apiac.ConfigurationStatus().WithVersion(status.Configuration.Version).WithPods(*status.Configuration.Pods))
	}
	if status.Replicas != nil {
		out.WithReplicas(apiac.ReplicaCounts().WithDesired(*status.Replicas.Desired).WithReady(*status.Replicas.Ready))
	}
	return out
}

// tell records an event for each condition that became another, but for what is merely on its way.
func (r *Reconciler) tell(source *v1alpha1.Source, set *condition.Set) {
	for _, changed := range set.Changed() {
		switch {
		case changed.Type == v1alpha1.ConditionReconciling, changed.Type == v1alpha1.ConditionStalled:
		case changed.Reason == v1alpha1.ReasonProgressing, changed.Reason == v1alpha1.ReasonConfigurationPending, changed.Status == metav1.ConditionUnknown:
		case changed.Status == metav1.ConditionTrue:
			r.Events.Eventf(source, nil, corev1.EventTypeNormal, changed.Type, "Reconcile", "%s", condition.Note(changed.Message))
		default:
			r.Events.Eventf(source, nil, corev1.EventTypeWarning, changed.Reason, "Reconcile", "%s", condition.Note(changed.Type+": "+changed.Message))
		}
	}
}
