// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	apiac "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// report writes the status if it changed, and then records an Event for each condition that changed. It reports whether the Source is
// settled: nothing is in progress.
func (r *Reconciler) report(ctx context.Context, s *state) (settled bool, err error) {
	set := s.conditions()
	settled = set.Get(v1alpha1.ConditionReconciling) == nil && s.tokens.shown == s.tokens.current
	next := s.status(set)
	configuration := apiac.Source(s.source.Name, s.source.Namespace).WithUID(s.source.UID).WithStatus(applyStatus(next))
	written, err := r.Status.Write(ctx, s.source.Status, next, configuration, configuration.ObjectMetaApplyConfiguration)
	if written {
		r.recordEvents(s.source, set)
	}
	return settled, err
}

// status returns the status of the Source, with the given conditions.
func (s *state) status(set *condition.Set) v1alpha1.SourceStatus {
	url, host := render.URL(s.source)
	rejected := len(s.rejectedMappings())
	status := v1alpha1.SourceStatus{
		Conditions: set.List(), ObservedGeneration: s.source.Generation,
		URL: url, Host: host, EndpointSecretName: render.EndpointSecretName(s.source),
		Mappings: &v1alpha1.MappingCounts{Accepted: count(len(s.mappings) - rejected), Rejected: count(rejected)},
	}
	if s.tokens.previous != "" {
		status.Rotation = &v1alpha1.TokenRotation{PreviousValidUntil: metav1.NewTime(s.tokens.until)}
	}
	if s.compiled.bundle != nil {
		running, _ := s.countRunning()
		status.Configuration = &v1alpha1.ConfigurationStatus{Version: s.compiled.bundle.Version, Pods: count(running)}
	}
	if s.deployment != nil {
		status.Replicas = &v1alpha1.ReplicaCounts{Desired: s.deployment.Spec.Replicas, Ready: &s.deployment.Status.ReadyReplicas}
	}
	return status
}

func count(n int) *int32 {
	c := int32(n)
	return &c
}

// applyStatus returns the status as an apply configuration.
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

// recordEvents records an Event for each condition that changed, except for states that pass by themselves.
func (r *Reconciler) recordEvents(source *v1alpha1.Source, set *condition.Set) {
	for _, changed := range set.Changed() {
		switch {
		case changed.Type == v1alpha1.ConditionReconciling, changed.Type == v1alpha1.ConditionStalled:
		case changed.Reason == v1alpha1.ReasonProgressing, changed.Reason == v1alpha1.ReasonConfigurationPending, changed.Status == metav1.ConditionUnknown:
		case changed.Status == metav1.ConditionTrue:
			r.Events.Eventf(source, nil, corev1.EventTypeNormal, changed.Type, "Reconcile", "%s", condition.EventNote(changed.Message))
		default:
			r.Events.Eventf(source, nil, corev1.EventTypeWarning, changed.Reason, "Reconcile", "%s", condition.EventNote(changed.Type+": "+changed.Message))
		}
	}
}
