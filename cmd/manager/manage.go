// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/doorbell-dev/doorbell/controllers"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// gracePeriod is how long running reconciliations may take to finish when the process stops.
const gracePeriod = 20 * time.Second

// manage runs the controllers until ctx ends.
func manage(ctx context.Context, s *settings) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	mgr, err := newManager(config, s)
	if err != nil {
		return err
	}
	if err := controllers.Setup(ctx, mgr, controllers.Options{Image: s.image, AdminPort: fmt.Sprint(layout.AdminPort), Now: time.Now}); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// newManager returns a manager with a cache limited to what the controllers need, and metrics that only authorized clients can read.
func newManager(config *rest.Config, s *settings) (ctrl.Manager, error) {
	return ctrl.NewManager(config, ctrl.Options{
		Scheme: controllers.Scheme(),
		Cache:  controllers.CacheOptions(s.watched()),
		Client: controllers.ClientOptions(),
		Metrics: metricsserver.Options{
			BindAddress: s.metricsAddress, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		HealthProbeBindAddress:        s.healthAddress,
		LeaderElection:                s.leaderElect,
		LeaderElectionID:              "manager.doorbell.dev",
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       new(gracePeriod),
	})
}
