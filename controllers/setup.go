// SPDX-License-Identifier: Apache-2.0

// Package controllers is the control plane: it wires the controllers of Sources and ActionMappings into a manager. cmd/manager calls it,
// and so do its tests. What the controllers do is in the packages below; this one must not contain logic of its own.
package controllers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	appsv1 "k8s.io/api/apps/v1"
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
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/controllers/source"
	"github.com/doorbell-dev/doorbell/controllers/status"
)

// Name is the reporting controller of the Events that the manager records.
const Name = "doorbell.dev/manager"

const (
	// fieldOwner is the field manager of everything that the manager applies.
	fieldOwner = "doorbell"
	// reconcileTimeout is how long one reconciliation can take.
	reconcileTimeout = time.Minute
	// maxConcurrentSources is how many Sources are reconciled at the same time. Most of that time is spent waiting for pods to respond.
	maxConcurrentSources = 8
	// maxConcurrentMappings is how many ActionMappings are reconciled at the same time.
	maxConcurrentMappings = 8
)

// Options configure the controllers.
type Options struct {
	// Image is the image of the ingest pods, unless a Source sets its own.
	Image string
	// AdminPort is the port at which the controllers fetch the reports of the ingest pods. Tests use another one than the pods' own.
	AdminPort string
	// Now returns the current time.
	Now func() time.Time
}

// Scheme returns a scheme with every kind that the controllers use as a Go type.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// CacheOptions limit the cache to the objects that the controllers need: all Sources and ActionMappings, the metadata of all Secrets, and
// of other kinds the objects that Doorbell created. Without namespaces, the cache contains those of all namespaces.
func CacheOptions(namespaces []string) cache.Options {
	all := cache.ByObject{Label: labels.Everything()}
	options := cache.Options{
		DefaultTransform:     cache.TransformStripManagedFields(),
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{render.LabelManagedBy: render.ManagedBy}),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.Source{}: all, &v1alpha1.ActionMapping{}: all, &corev1.Secret{}: all,
			&appsv1.Deployment{}: {Transform: keepManagedFields}, // they show whether an autoscaler has set the number of replicas
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

func keepManagedFields(object any) (any, error) { return object, nil }

// ClientOptions make the client read unstructured objects, as which the children are read, from the cache too.
func ClientOptions() client.Options {
	return client.Options{
		FieldOwner: fieldOwner,
		Cache:      &client.CacheOptions{Unstructured: true},
	}
}

// Setup adds both controllers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	results, recorder := status.NewMappingStore(), mgr.GetEventRecorder(Name)
	transport := &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}
	sources := &source.Reconciler{
		Client:      mgr.GetClient(),
		Live:        mgr.GetAPIReader(),
		Applier:     apply.New(mgr.GetClient(), mgr.GetAPIReader(), source.Kinds()),
		Results:     results,
		Status:      status.NewWriter[v1alpha1.SourceStatus](mgr.GetClient()),
		Events:      recorder,
		FetchReport: source.NewReportFetcher(transport, options.AdminPort),
		Compiler:    source.NewCompiler(),
		Image:       options.Image,
		FieldOwner:  fieldOwner,
		Now:         options.Now,
		NewToken:    rand.Text,
	}
	if err := sources.Setup(ctx, mgr, controllerOptions(maxConcurrentSources)); err != nil {
		return fmt.Errorf("set up the controller of Sources: %w", err)
	}
	mappings := &mapping.Reconciler{
		Client:  mgr.GetClient(),
		Results: results,
		Status:  status.NewWriter[v1alpha1.ActionMappingStatus](mgr.GetClient()),
		Events:  recorder,
		Now:     options.Now,
	}
	if err := mappings.Setup(mgr, controllerOptions(maxConcurrentMappings)); err != nil {
		return fmt.Errorf("set up the controller of ActionMappings: %w", err)
	}
	return nil
}

func controllerOptions(maxConcurrent int) controller.Options {
	return controller.Options{MaxConcurrentReconciles: maxConcurrent, ReconciliationTimeout: reconcileTimeout}
}
