// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real kube-apiserver and etcd for a test, with RBAC and Doorbell's CustomResourceDefinitions.
// There is no controller manager, scheduler or kubelet. Therefore nothing rolls out, the garbage collector deletes
// nothing, deleted namespaces remain, and aggregated roles such as view are empty. Only tests may import it.
package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	// startTimeout is long enough for a machine that runs other tests at the same time.
	startTimeout = 2 * time.Minute
	// stopTimeout is short, because the stored data is not needed any more. A server that does not stop in time is killed.
	stopTimeout = 5 * time.Second
)

// ControlPlane is a running API server and its database.
type ControlPlane struct {
	// Config connects as an administrator with all rights.
	Config *rest.Config

	environment *envtest.Environment
}

// Start runs a control plane until the test ends. It takes several seconds, so a package with several tests should use
// Shared. The first start on a machine builds the programs with hack/testenv.sh, which takes several minutes.
func Start(tb testing.TB) *ControlPlane {
	tb.Helper()
	plane, err := start(tb.Context())
	if err != nil {
		tb.Fatalf("controlplane: %v", err)
	}
	tb.Cleanup(plane.stop)
	return plane
}

func start(ctx context.Context) (*ControlPlane, error) {
	directory, err := programs(ctx)
	if err != nil {
		return nil, err
	}
	definitions, err := definitions()
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		CRDs:                     definitions,
		UseExistingCluster:       new(false),
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	log := &bytes.Buffer{}
	environment.ControlPlane.Etcd = &envtest.Etcd{Path: filepath.Join(directory, "etcd")}
	server := environment.ControlPlane.GetAPIServer()
	server.Path, server.Err = filepath.Join(directory, "kube-apiserver"), log
	// OpenShift enables this plugin: a client that sets an owner that blocks deletion needs the right to set the finalizers
	// of the owner.
	server.Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")

	config, err := environment.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w; the last lines of the log of kube-apiserver:\n%s", err, tail(log)), environment.Stop())
	}
	return &ControlPlane{Config: config, environment: environment}, nil
}

// tail returns the last lines of a log, which say why a server stopped.
func tail(log *bytes.Buffer) string {
	const lines = 10
	all := slices.Collect(strings.Lines(log.String()))
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// stop stops the servers and deletes their data. It ignores errors: a server that had to be killed does not fail the test.
func (p *ControlPlane) stop() { _ = p.environment.Stop() }
