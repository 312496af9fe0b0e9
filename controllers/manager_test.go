// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/controllers"
	"github.com/doorbell-dev/doorbell/test/controlplane"
)

var plane controlplane.Shared

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(plane.Main(m))
}

// account is who the manager runs as: it has the rights of config/rbac/role.yaml and no others.
const account = "manager"

// operator is a manager that runs on a real API server.
type operator struct {
	client.Client
	writes ledger
	log    ledger
	port   string // of the pods
	now    atomic.Pointer[time.Time]
}

// startOperator runs the controllers until the test ends.
func startOperator(tb testing.TB) *operator {
	tb.Helper()
	admin, err := client.New(plane.Get(tb).Config, client.Options{Scheme: controllers.Scheme(), FieldOwner: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	o := &operator{Client: admin, port: freePort(tb)}
	o.at(time.Now())
	grant(tb, admin)
	identity := rest.CopyConfig(plane.Get(tb).ServiceAccount(tb, "default", account))
	identity.QPS = -1
	identity.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &o.writes} })
	mgr, err := ctrl.NewManager(identity, ctrl.Options{
		Scheme: controllers.Scheme(), Cache: controllers.CacheOptions(nil, false), Client: controllers.ClientOptions(),
		Logger:  funcr.New(func(_, line string) { o.log.add(line) }, funcr.Options{Verbosity: 1}),
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	if err := controllers.Setup(ctx, mgr, controllers.Options{
		Image: "doorbell:test", OperationsPort: o.port, Now: func() time.Time { return *o.now.Load() },
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

// grant binds the generated role to the manager's service account.
func grant(tb testing.TB, admin client.Client) {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "config", "rbac", "role.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(data, role); err != nil {
		tb.Fatal(err)
	}
	for _, object := range []client.Object{
		role,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: account}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: account},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: account}},
		},
	} {
		if err := admin.Create(tb.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
			tb.Fatal(err)
		}
	}
}

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
