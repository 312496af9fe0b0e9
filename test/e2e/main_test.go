// SPDX-License-Identifier: Apache-2.0

// Package e2e_test runs the whole of Doorbell on a real cluster. Without DOORBELL_E2E_KUBECONFIG it does nothing; see
// hack/e2e.sh.
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

// cluster is where the tests run.
var cluster struct {
	client.Client
	set *kubernetes.Clientset
}

func TestMain(m *testing.M) {
	path := os.Getenv("DOORBELL_E2E_KUBECONFIG")
	if path == "" {
		fmt.Println("e2e: DOORBELL_E2E_KUBECONFIG is not set: nothing to do")
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
