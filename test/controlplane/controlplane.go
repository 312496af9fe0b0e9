// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real kube-apiserver on a real etcd for a test, with our CustomResourceDefinitions
// installed, access control by RBAC, and no cluster around it: no controller manager, no scheduler, no kubelet. So
// nothing rolls out, nothing is garbage-collected, a namespace that is deleted stays, and a role that is aggregated from
// others, such as view, is empty.
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
	// startTimeout leaves room for a machine that runs other tests at the same time.
	startTimeout = 2 * time.Minute
	// stopTimeout is short: nobody reads what was stored, and a server that hangs on is killed.
	stopTimeout = 5 * time.Second
)

// ControlPlane is a running API server and its database.
type ControlPlane struct {
	// Config connects as an administrator, whom nothing is forbidden.
	Config *rest.Config

	environment *envtest.Environment
}

// Start runs a control plane until the test ends. It takes some seconds, so a package with several tests rather has
// one Shared. The first start on a machine builds the programs, which takes minutes: hack/testenv.sh.
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
	folder, err := programs(ctx)
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
	said := &bytes.Buffer{}
	environment.ControlPlane.Etcd = &envtest.Etcd{Path: filepath.Join(folder, "etcd")}
	server := environment.ControlPlane.GetAPIServer()
	server.Path, server.Err = filepath.Join(folder, "kube-apiserver"), said
	// OpenShift has this on: who sets an owner that blocks deletion must be allowed to set the owner's finalizers.
	server.Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")

	config, err := environment.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w; the last that kube-apiserver said:\n%s", err, last(said)), environment.Stop())
	}
	return &ControlPlane{Config: config, environment: environment}, nil
}

// last returns the end of a log: it is long, and why a server stopped stands there.
func last(log *bytes.Buffer) string {
	const lines = 10
	all := slices.Collect(strings.Lines(log.String()))
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// stop ends the servers and removes their data. That one had to be killed is no failure of the test.
func (p *ControlPlane) stop() { _ = p.environment.Stop() }
