// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/doorbell-dev/doorbell/controllers"
	"github.com/doorbell-dev/doorbell/test/controlplane"
	"github.com/doorbell-dev/doorbell/test/loopback"
)

var plane controlplane.Shared

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(plane.Main(m))
}

// operator is a manager that runs on a real API server.
type operator struct {
	client.Client
	writes ledger
	log    ledger
	port   string // of the pods, on addresses of loopback that are theirs
	now    atomic.Pointer[time.Time]
}

// startOperator runs the controllers until the test ends.
func startOperator(tb testing.TB) *operator {
	tb.Helper()
	admin, err := client.New(plane.Get(tb).Config, client.Options{Scheme: controllers.Scheme(), FieldOwner: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	o := &operator{Client: admin, port: loopback.FreePort(tb)}
	o.at(time.Now())
	plane.Get(tb).Apply(tb, "../config/manager/namespace.yaml", "../config/rbac/service-account.yaml", "../config/rbac/role.yaml", "../config/rbac/role-binding.yaml")
	identity := plane.Get(tb).ServiceAccount(tb, "doorbell-system", "doorbell-manager")
	identity.QPS = -1
	identity.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &o.writes} })
	mgr, err := ctrl.NewManager(identity, ctrl.Options{
		Scheme: controllers.Scheme(), Cache: controllers.CacheOptions(nil), Client: controllers.ClientOptions(),
		Logger:  funcr.New(func(_, line string) { o.log.add(line) }, funcr.Options{Verbosity: 1}),
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	if err := controllers.Setup(ctx, mgr, controllers.Options{
		Image: "doorbell:test", AdminPort: o.port, Now: func() time.Time { return *o.now.Load() },
	}); err != nil {
		tb.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := mgr.Start(ctx); err != nil {
			tb.Errorf("manager: %v", err)
		}
	})
	tb.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return o
}

// at sets the operator's clock.
func (o *operator) at(now time.Time) { o.now.Store(&now) }

// ledger lists the requests that write.
type ledger struct {
	mu    sync.Mutex
	lines []string
}

func (l *ledger) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// Load is how many there were.
func (l *ledger) Load() int64 { return int64(len(l.since(0))) }

// since lists those after the first n.
func (l *ledger) since(n int64) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines[n:])
}

// counting counts the requests that write.
type counting struct {
	next   http.RoundTripper
	writes *ledger
}

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet {
		c.writes.add(request.Method + " " + request.URL.Path)
	}
	return c.next.RoundTrip(request)
}
