// SPDX-License-Identifier: Apache-2.0

// Package source makes a Source run: it observes, compiles, renders, applies and reports.
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
	"github.com/doorbell-dev/doorbell/controllers/outcome"
	"github.com/doorbell-dev/doorbell/controllers/render"
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

// Reconciler reconciles one Source at a time.
type Reconciler struct {
	Client client.Client
	// Live reads past the cache: Secrets, of which it holds the metadata only.
	Live  client.Reader
	Apply *apply.Applier
	Board *outcome.Board
	// Reported are the statuses that were written last.
	Reported *outcome.Reported[v1alpha1.SourceStatus]
	Events   events.EventRecorder
	Ask      Asker
	Compile  *Compiler
	// Image is what ingest pods run unless the Source names another.
	Image string
	Now   func() time.Time
	// Token makes a new secret: 128 random bits or more, safe in a URL.
	Token func() string

	gateway *gatewayAPI // by Setup
}

// Reconcile brings the cluster to what the Source asks for, as far as it goes, and reports how far that is.
func (r *Reconciler) Reconcile(ctx context.Context, source *v1alpha1.Source) (ctrl.Result, error) {
	if !source.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // children carry owner references; the garbage collector has them
	}
	source.Status = r.Reported.Latest(source.UID, source.ResourceVersion, source.Status)
	seen, err := r.observe(ctx, source)
	if err != nil {
		return ctrl.Result{}, err
	}
	problems, retryable := condition.Problems(r.converge(ctx, seen))
	seen.problems = append(seen.problems, problems...)
	r.Board.Publish(client.ObjectKeyFromObject(source), seen.verdicts())
	settled, err := r.report(ctx, seen, retryable)
	if err := errors.Join(retryable, err); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: seen.lookAgain(settled)}, nil
}

// converge writes what the Source owns. Where the Source itself does not compile, the last good configuration stays.
func (r *Reconciler) converge(ctx context.Context, seen *world) error {
	if seen.compiled.bundle == nil {
		return nil
	}
	objects := render.Source(render.Input{
		Source: seen.source, Image: r.Image, Bundle: *seen.compiled.bundle, GatewayAPI: seen.gatewayAPI,
		Tokens: seen.tokens.rendered(), Redis: seen.redis,
	})
	var err error
	seen.changed, err = r.Apply.Set(ctx, seen.source, objects)
	return errors.Join(err, r.nudge(ctx, seen))
}
