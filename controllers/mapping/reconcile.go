// SPDX-License-Identifier: Apache-2.0

// Package mapping tells each ActionMapping what became of it. Its Source's controller compiles it and rolls it out.
package mapping

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	apiac "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/outcome"
)

// +kubebuilder:rbac:groups=doorbell.dev,resources=actionmappings/status,verbs=get;patch

// Reconciler writes the status of ActionMappings.
type Reconciler struct {
	Client client.Client
	Board  *outcome.Board
	// Reported are the statuses that were written last.
	Reported *outcome.Reported[v1alpha1.ActionMappingStatus]
	Events   events.EventRecorder
	Now      func() time.Time
}

// Reconcile looks the mapping's verdict up and reports it.
func (r *Reconciler) Reconcile(ctx context.Context, mapping *v1alpha1.ActionMapping) (ctrl.Result, error) {
	if !mapping.DeletionTimestamp.IsZero() {
		r.Reported.Drop(mapping.UID)
		return ctrl.Result{}, nil
	}
	mapping.Status = r.Reported.Latest(mapping.UID, mapping.ResourceVersion, mapping.Status)
	source := client.ObjectKey{Namespace: mapping.Namespace, Name: mapping.Spec.SourceRef.Name}
	err := r.Client.Get(ctx, source, &v1alpha1.Source{})
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("read Source %s: %w", source.Name, err)
	}
	verdict, known := r.Board.Of(source, mapping.Name)
	switch {
	case apierrors.IsNotFound(err):
		message := fmt.Sprintf("Source %q does not exist in namespace %s: create it, or correct spec.sourceRef.name", source.Name, source.Namespace)
		return ctrl.Result{}, r.report(ctx, mapping, waiting(r.set(mapping), v1alpha1.ReasonSourceNotFound, message), "")
	case !known || verdict.UID != mapping.UID || verdict.Generation != mapping.Generation:
		return ctrl.Result{}, nil // the Source's controller is about to say
	default:
		set, live := r.conditions(mapping, verdict)
		return ctrl.Result{}, r.report(ctx, mapping, set, live)
	}
}

func (r *Reconciler) set(mapping *v1alpha1.ActionMapping) *condition.Set {
	return condition.New(mapping.Generation, mapping.Status.Conditions, r.Now())
}

// conditions turns a verdict into conditions and the version in which the mapping is live.
func (r *Reconciler) conditions(mapping *v1alpha1.ActionMapping, verdict outcome.Verdict) (set *condition.Set, live string) {
	set, live = r.set(mapping), verdict.Live
	switch {
	case verdict.Reason != "":
		set.Put(v1alpha1.ConditionReady, metav1.ConditionFalse, verdict.Reason, verdict.Message)
		set.Put(v1alpha1.ConditionStalled, metav1.ConditionTrue, verdict.Reason, verdict.Message)
		return set, ""
	case live == "":
		return waiting(set, verdict.Waits, "accepted; "+verdict.Pending), ""
	}
	if mapping.Status.Configuration != "" && mapping.Status.ObservedGeneration == mapping.Generation {
		live = mapping.Status.Configuration // it ran before this manager started
	}
	reason, message := v1alpha1.ReasonAccepted, "every pod runs it since configuration "+live
	if mapping.Spec.Active != nil && !*mapping.Spec.Active {
		reason, message = v1alpha1.ReasonInactive, "accepted, and switched off by spec.active"
	}
	if verdict.Warning != "" {
		message += "; note that " + verdict.Warning
	}
	set.Put(v1alpha1.ConditionReady, metav1.ConditionTrue, reason, message)
	return set, live
}

func waiting(set *condition.Set, reason, message string) *condition.Set {
	set.Put(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	set.Put(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
	return set
}

// report writes the status where it changed, and an event when Ready did.
func (r *Reconciler) report(ctx context.Context, mapping *v1alpha1.ActionMapping, set *condition.Set, live string) error {
	status := v1alpha1.ActionMappingStatus{Conditions: set.List(), ObservedGeneration: mapping.Generation, Configuration: live}
	if equality.Semantic.DeepEqual(status, mapping.Status) {
		return nil
	}
	configuration := apiac.ActionMappingStatus().WithConditions(condition.Apply(status.Conditions)...).WithObservedGeneration(mapping.Generation)
	if live != "" {
		configuration.WithConfiguration(live)
	}
	applied := apiac.ActionMapping(mapping.Name, mapping.Namespace).WithUID(mapping.UID).WithStatus(configuration)
	if err := r.Client.Status().Apply(ctx, applied, client.ForceOwnership); apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // it is gone; forced, only the UID conflicts
	} else if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if applied.ResourceVersion != nil {
		r.Reported.Wrote(mapping.UID, *applied.ResourceVersion, status)
	}
	for _, changed := range set.Changed() {
		if changed.Type != v1alpha1.ConditionReady || changed.Reason == v1alpha1.ReasonProgressing || changed.Reason == v1alpha1.ReasonSourceNotReady {
			continue
		}
		kind := corev1.EventTypeNormal
		if changed.Status != metav1.ConditionTrue {
			kind = corev1.EventTypeWarning
		}
		r.Events.Eventf(mapping, nil, kind, changed.Reason, "Reconcile", "%s", condition.Note(changed.Message))
	}
	return nil
}
