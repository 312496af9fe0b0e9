// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers"
	"github.com/doorbell-dev/doorbell/test/controlplane"
	"github.com/doorbell-dev/doorbell/test/loopback"
)

var plane controlplane.Shared

func TestMain(m *testing.M) { os.Exit(plane.Main(m)) }

// patience is how long each wait may take.
const patience = time.Minute

// rbac is the directory with the roles of an installation.
const rbac = "../../config/rbac/"

func TestManagerOfOneNamespaceNeedsNoRightsElsewhere(t *testing.T) {
	ctx := t.Context()
	admin, err := client.New(plane.Get(t).Config, client.Options{Scheme: controllers.Scheme(), FieldOwner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	plane.Get(t).Apply(t, "../../config/manager/namespace.yaml", rbac+"service-account.yaml", rbac+"role.yaml", rbac+"metrics.yaml")
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}},
		sourceIn("shop"),
		sourceIn("elsewhere"),
		// The role binding that docs/operator.md describes.
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "doorbell-manager"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "doorbell-manager"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "doorbell-system", Name: "doorbell-manager"}},
		},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "prometheus"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "anybody"}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "doorbell-metrics"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "doorbell-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "shop", Name: "prometheus"}},
		},
	} {
		if err := admin.Create(ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", controlplane.Kubeconfig(t, plane.Get(t).ServiceAccount(t, "doorbell-system", "doorbell-manager")))
	metrics, health := loopback.FreeAddress(t), loopback.FreeAddress(t)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- run(running, []string{
			"--namespaces=shop", "--image=doorbell:test", "--log-level=error",
			"--metrics-bind-address=" + metrics, "--health-probe-bind-address=" + health,
		})
	}()

	awaitStatus(t, "http://"+health+"/readyz", "", http.StatusOK)
	eventually(t, "the Deployment of the Source in the watched namespace exists", func(ctx context.Context) error {
		return admin.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "events-ingest"}, &appsv1.Deployment{})
	})
	other := &v1alpha1.Source{}
	if err := admin.Get(ctx, client.ObjectKey{Namespace: "elsewhere", Name: "events"}, other); err != nil || len(other.Status.Conditions) > 0 {
		t.Errorf("Source in the namespace that is not watched: error %v, status %+v", err, other.Status)
	}

	awaitStatus(t, "https://"+metrics+"/metrics", "", http.StatusUnauthorized)
	awaitStatus(t, "https://"+metrics+"/metrics", plane.Get(t).ServiceAccount(t, "shop", "anybody").BearerToken, http.StatusForbidden)
	awaitStatus(t, "https://"+metrics+"/metrics", plane.Get(t).ServiceAccount(t, "shop", "prometheus").BearerToken, http.StatusOK)

	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("manager stopped with error: %v", err)
		}
	case <-time.After(patience):
		t.Error("manager did not stop")
	}
}

func TestInvalidFlagsAreReported(t *testing.T) {
	t.Setenv("DOORBELL_IMAGE", "")
	for _, tc := range []struct {
		name, want string
		args       []string
	}{
		{"no image", "--image is required: set it, or DOORBELL_IMAGE, to the image of the ingest pods", nil},
		{"unknown flag", "flag provided but not defined: -namespace", []string{"--namespace=shop"}},
		{"argument", `unexpected argument "shop": the manager is configured by flags only`, []string{"--image=doorbell:test", "shop"}},
		{"unknown log format", `invalid --log-format "yaml": must be "json" or "text"`, []string{"--image=doorbell:test", "--log-format=yaml"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := run(t.Context(), tc.args); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func sourceIn(namespace string) *v1alpha1.Source {
	return &v1alpha1.Source{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "events"},
		Spec: v1alpha1.SourceSpec{
			Type:  v1alpha1.SourceTypeRudderStack,
			Knock: v1alpha1.Knock{APIKeySecretRef: v1alpha1.SecretKeyReference{Name: "knock", Key: "apiKey"}},
		},
	}
}

// awaitStatus sends GET requests, with the bearer token unless it is empty, until the response has the wanted status.
func awaitStatus(t *testing.T, url, token string, want int) {
	t.Helper()
	// The manager signs its certificate itself.
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	eventually(t, fmt.Sprintf("%s returns status %d", url, want), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := insecure.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != want {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	})
}

// eventually waits until check returns no error.
func eventually(t *testing.T, what string, check func(ctx context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v: %v", what, err, last)
	}
}
