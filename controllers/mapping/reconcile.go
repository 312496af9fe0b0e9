// SPDX-License-Identifier: Apache-2.0

// Package mapping is the controller of ActionMappings. It writes their status from the results that the controller of Sources
// publishes in the mapping status store. It must not compile a mapping: package source does, for all mappings of a Source at once.
package mapping

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	apiac "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/status"
)

// +kubebuilder:rbac:groups=doorbell.dev,resources=actionmappings/status,verbs=get;patch

// Reconciler writes the status of ActionMappings.
type Reconciler struct {
	Client  client.Client
	Results *status.MappingStore
	Status  *status.Writer[v1alpha1.ActionMappingStatus]
	Events  events.EventRecorder
	Now     func() time.Time
}

// Reconcile reports the stored result of the mapping in its status. Without a result it does nothing, because the controller of
// Sources is about to publish one, which triggers another reconciliation.
func (r *Reconciler) Reconcile(ctx context.Context, mapping *v1alpha1.ActionMapping) (ctrl.Result, error) {
	if !mapping.DeletionTimestamp.IsZero() {
		r.Status.Forget(mapping.UID)
		return ctrl.Result{}, nil
	}
	mapping.Status = r.Status.Latest(mapping, mapping.Status)
	source := client.ObjectKey{Namespace: mapping.Namespace, Name: mapping.Spec.SourceRef.Name}
	set := condition.New(mapping.Generation, mapping.Status.Conditions, r.Now())
	err := r.Client.Get(ctx, source, &v1alpha1.Source{})
	if apierrors.IsNotFound(err) {
		message, err := r.sourceNotFound(ctx, source)
		if err != nil {
			return ctrl.Result{}, err
		}
		putReconciling(set, v1alpha1.ReasonSourceNotFound, message)
		return ctrl.Result{}, r.report(ctx, mapping, set, "")
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read Source %s: %w", source.Name, err)
	}
	result, known := r.Results.Get(source, mapping.Name)
	if !known || result.UID != mapping.UID || result.Generation != mapping.Generation {
		return ctrl.Result{}, nil
	}
	liveSince := putResult(set, mapping, result)
	return ctrl.Result{}, r.report(ctx, mapping, set, liveSince)
}

// putResult puts the conditions that follow from a result. It returns the version of the configuration in which the mapping became
// live, or "" if the mapping is not live.
func putResult(set *condition.Set, mapping *v1alpha1.ActionMapping, result status.Result) (liveSince string) {
	switch {
	case result.RejectReason != "":
		set.Put(v1alpha1.ConditionReady, metav1.ConditionFalse, result.RejectReason, result.RejectMessage)
		set.Put(v1alpha1.ConditionStalled, metav1.ConditionTrue, result.RejectReason, result.RejectMessage)
		return ""
	case result.LiveSince == "":
		putReconciling(set, result.PendingReason, "accepted; "+result.PendingMessage)
		return ""
	}
	liveSince = result.LiveSince
	if mapping.Status.Configuration != "" && mapping.Status.ObservedGeneration == mapping.Generation {
		liveSince = mapping.Status.Configuration // the mapping became live before this manager started
	}
	reason, message := v1alpha1.ReasonAccepted, "every pod runs the mapping since configuration "+liveSince
	if mapping.Spec.Active != nil && !*mapping.Spec.Active {
		reason, message = v1alpha1.ReasonInactive, "accepted, but spec.active is false"
	}
	if result.Warning != "" {
		message += "; warning: " + result.Warning
	}
	set.Put(v1alpha1.ConditionReady, metav1.ConditionTrue, reason, message)
	return liveSince
}

func putReconciling(set *condition.Set, reason, message string) {
	set.Put(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	set.Put(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
}

// report writes the status if it changed, and then records an Event if Ready changed.
func (r *Reconciler) report(ctx context.Context, mapping *v1alpha1.ActionMapping, set *condition.Set, liveSince string) error {
	next := v1alpha1.ActionMappingStatus{Conditions: set.List(), ObservedGeneration: mapping.Generation, Configuration: liveSince}
	applied := apiac.ActionMappingStatus().WithConditions(condition.Apply(next.Conditions)...).WithObservedGeneration(next.ObservedGeneration)
	if liveSince != "" {
		applied.WithConfiguration(liveSince)
	}
	configuration := apiac.ActionMapping(mapping.Name, mapping.Namespace).WithUID(mapping.UID).WithStatus(applied)
	written, err := r.Status.Write(ctx, mapping.Status, next, configuration, configuration.ObjectMetaApplyConfiguration)
	if written {
		r.recordEvents(mapping, set)
	}
	return err
}

// recordEvents records an Event if Ready changed, except while the mapping waits for its Source or its pods.
func (r *Reconciler) recordEvents(mapping *v1alpha1.ActionMapping, set *condition.Set) {
	for _, changed := range set.Changed() {
		if changed.Type != v1alpha1.ConditionReady || changed.Reason == v1alpha1.ReasonProgressing || changed.Reason == v1alpha1.ReasonSourceNotReady {
			continue
		}
		kind := corev1.EventTypeNormal
		if changed.Status != metav1.ConditionTrue {
			kind = corev1.EventTypeWarning
		}
		r.Events.Eventf(mapping, nil, kind, changed.Reason, "Reconcile", "%s", condition.EventNote(changed.Message))
	}
}
