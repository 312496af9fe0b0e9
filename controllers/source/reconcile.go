// SPDX-License-Identifier: Apache-2.0

// Package source is the controller of Sources. For each Source it reads the cluster (observe), works out what the cluster should contain
// (decide), applies that, and reports in the status how far the pods are. It also publishes the result of each ActionMapping of the
// Source, which package mapping writes into the status of the mapping. It must not write the status of an ActionMapping itself.
package source

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/apply"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/controllers/status"
)

// +kubebuilder:rbac:groups=doorbell.dev,resources=sources,verbs=get;list;watch
// +kubebuilder:rbac:groups=doorbell.dev,resources=sources/status,verbs=get;patch
// +kubebuilder:rbac:groups=doorbell.dev,resources=sources/finalizers,verbs=update
// +kubebuilder:rbac:groups=doorbell.dev,resources=actionmappings,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services;configmaps;secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler reconciles Sources. It is safe for concurrent use, but not for two calls about the same Source.
type Reconciler struct {
	Client client.Client
	// Live bypasses the cache. It reads Secrets, of which the cache contains only the metadata.
	Live    client.Reader
	Applier *apply.Applier
	// Results receives the result of each ActionMapping.
	Results     *status.MappingStore
	Status      *status.Writer[v1alpha1.SourceStatus]
	Events      events.EventRecorder
	FetchReport ReportFetcher
	Compiler    *Compiler
	// Image is the image of the ingest pods, unless a Source sets its own.
	Image string
	// FieldOwner is the field manager under which the Applier writes.
	FieldOwner string
	Now        func() time.Time
	// NewToken returns a new secret with at least 128 random bits, in characters that need no escaping in a URL.
	NewToken func() string

	gateway *gatewayAPI // set by Setup
}

// state is everything that one reconciliation knows: what it read, what it decided, and what resulted from applying that.
type state struct {
	*observed
	*decided
	*applied
}

// Reconcile makes the cluster match the Source, as far as that is possible at the moment, and reports the progress in the status.
func (r *Reconciler) Reconcile(ctx context.Context, source *v1alpha1.Source) (ctrl.Result, error) {
	if !source.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // the garbage collector deletes the children, which have owner references
	}
	source.Status = r.Status.Latest(source, source.Status)
	observed, err := r.observe(ctx, source)
	if err != nil {
		return ctrl.Result{}, err
	}
	decided := r.decide(observed)
	s := &state{observed, decided, r.apply(ctx, observed, decided)}
	r.Results.Replace(client.ObjectKeyFromObject(source), s.mappingResults())
	settled, err := r.report(ctx, s)
	if err := errors.Join(s.retryable, err); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.requeueAfter(settled)}, nil
}

// applied is what resulted from applying the objects of the Source.
type applied struct {
	// changed are the kinds of which an object changed. What was observed of these objects is out of date.
	changed   map[string]bool
	rejected  []*condition.Problem
	retryable error
}

// apply writes the objects of the Source. If the Source itself does not compile, it keeps the ConfigMaps with the last valid document,
// which keeps running.
func (r *Reconciler) apply(ctx context.Context, seen *observed, decided *decided) *applied {
	objects := render.Source(render.Input{
		Source: seen.source, Image: r.Image, Bundle: decided.compiled.bundle, GatewayAPI: seen.gatewayAPI,
		Tokens: decided.tokens.rendered(), Redis: decided.redis, Live: seen.live(r.FieldOwner),
	})
	kept := func(kind, name string) bool {
		return decided.compiled.bundle == nil && kind == "ConfigMap" && render.IsDocumentName(seen.source, name)
	}
	changed, err := r.Applier.Apply(ctx, seen.source, objects, kept)
	problems, retryable := condition.Problems(errors.Join(err, r.refreshVolumes(ctx, seen.pods, revision(seen, decided))))
	return &applied{changed: changed, rejected: problems, retryable: retryable}
}

// problems returns the problems that were found in any of the steps.
func (s *state) problems() []*condition.Problem {
	var all []*condition.Problem
	all = append(all, s.missing...)
	all = append(all, s.invalid...)
	return append(all, s.rejected...)
}
