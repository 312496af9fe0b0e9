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

// operator is a manager that runs against a real API server.
type operator struct {
	client.Client
	writes recorder // the requests that write
	log    recorder
	port   string // the admin port of the pods, each of which has a loopback address of its own
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
	identity.Wrap(func(next http.RoundTripper) http.RoundTripper { return recording{next, &o.writes} })
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

// at sets the clock of the operator.
func (o *operator) at(now time.Time) { o.now.Store(&now) }

// recorder collects lines. It is safe for concurrent use.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

// count returns the number of lines.
func (r *recorder) count() int { return len(r.since(0)) }

// since returns the lines after the first n.
func (r *recorder) since(n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines[n:])
}

// recording records the requests that write.
type recording struct {
	next   http.RoundTripper
	writes *recorder
}

func (c recording) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet {
		c.writes.add(request.Method + " " + request.URL.Path)
	}
	return c.next.RoundTrip(request)
}
