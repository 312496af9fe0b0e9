// SPDX-License-Identifier: Apache-2.0

// Package controllers is the control plane: it wires the controllers of Sources and ActionMappings into a manager.
package controllers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/apply"
	"github.com/doorbell-dev/doorbell/controllers/mapping"
	"github.com/doorbell-dev/doorbell/controllers/outcome"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/controllers/source"
)

// Name is who the manager says it is in the Events that it writes.
const Name = "doorbell.dev/manager"

const (
	// fieldOwner is the one field manager.
	fieldOwner = "doorbell"
	// reconcileFor bounds one reconciliation.
	reconcileFor = time.Minute
	// sourcesAtOnce is how many Sources are reconciled at a time; most of that is waiting for pods to answer.
	sourcesAtOnce = 8
	// mappingsAtOnce is how many statuses of ActionMappings are written at a time.
	mappingsAtOnce = 8
)

// Options say what the controllers run.
type Options struct {
	// Image is what ingest pods run unless a Source names another.
	Image string
	// AdminPort is where pods report; the one that they are rendered with.
	AdminPort string
	Now            func() time.Time
}

// Scheme holds every kind that the controllers know.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// CacheOptions scope the cache to what is needed: of users' objects the Sources, the ActionMappings, and Secrets, of which the
// controllers read the metadata only; of every other kind Doorbell's own. No namespaces means all of them.
func CacheOptions(namespaces []string) cache.Options {
	everybodys := cache.ByObject{Label: labels.Everything()}
	options := cache.Options{
		DefaultTransform:     cache.TransformStripManagedFields(),
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{render.LabelManagedBy: render.ManagedBy}),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.Source{}: everybodys, &v1alpha1.ActionMapping{}: everybodys, &corev1.Secret{}: everybodys,
		},
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// ClientOptions have the children read from the cache as they are stored there.
func ClientOptions() client.Options {
	return client.Options{
		FieldOwner: fieldOwner,
		Cache:      &client.CacheOptions{Unstructured: true},
	}
}

// Setup adds both controllers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	board, recorder := outcome.NewBoard(), mgr.GetEventRecorder(Name)
	sources := &source.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Apply: apply.New(mgr.GetClient(), mgr.GetAPIReader(), source.Kinds()),
		Board: board, Reported: outcome.NewReported[v1alpha1.SourceStatus](), Events: recorder, Compile: source.NewCompiler(), Image: options.Image,
		Ask: source.Ask(&http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}, options.AdminPort),
		Now: options.Now, Token: rand.Text,
	}
	if err := sources.Setup(ctx, mgr, controller.Options{MaxConcurrentReconciles: sourcesAtOnce, ReconciliationTimeout: reconcileFor}); err != nil {
		return fmt.Errorf("set up the controller of Sources: %w", err)
	}
	mappings := &mapping.Reconciler{
		Client: mgr.GetClient(), Board: board, Reported: outcome.NewReported[v1alpha1.ActionMappingStatus](), Events: recorder, Now: options.Now,
	}
	if err := mappings.Setup(mgr, source.MappingSource, controller.Options{MaxConcurrentReconciles: mappingsAtOnce, ReconciliationTimeout: reconcileFor}); err != nil {
		return fmt.Errorf("set up the controller of ActionMappings: %w", err)
	}
	return nil
}
