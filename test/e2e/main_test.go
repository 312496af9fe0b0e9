// SPDX-License-Identifier: Apache-2.0

// Package e2e_test installs Doorbell on a real cluster and tests it there. Without DOORBELL_E2E_KUBECONFIG it skips all tests; run it
// with hack/e2e.sh.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/controllers"
)

// cluster is the connection to the cluster.
var cluster struct {
	client.Client
	set *kubernetes.Clientset // for requests to a Service through the API server
}

func TestMain(m *testing.M) {
	path := os.Getenv("DOORBELL_E2E_KUBECONFIG")
	if path == "" {
		fmt.Println("e2e: skipped: DOORBELL_E2E_KUBECONFIG is not set")
		return
	}
	if err := connect(path); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	if err := install(context.Background(), os.Getenv("DOORBELL_E2E_MANIFEST")); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// connect sets cluster, with the kubeconfig at path.
func connect(path string) error {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	config.WarningHandler = rest.NoWarnings{}
	if cluster.set, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	cluster.Client, err = client.New(config, client.Options{Scheme: controllers.Scheme(), FieldOwner: "e2e"})
	return err
}
