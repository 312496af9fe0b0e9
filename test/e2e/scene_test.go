// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// namespace is the namespace of every test; the tests run one after the other.
const namespace = "doorbell-e2e"

// manifests are a Source that calls the fake Knock, the Secret with its API key, and a mapping.
const manifests = `
apiVersion: v1
kind: Secret
metadata: {name: knock}
stringData: {apiKey: sk_test_e2e}
---
apiVersion: doorbell.dev/v1alpha1
kind: Source
metadata: {name: rudderstack}
spec:
  type: RudderStack
  knock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: "http://knock:8080"}
  delivery: {rateLimits: {triggerWorkflow: 1000, identifyUser: 1000}}
  endpoint: {host: events.example.test, port: 18080, ingress: {}, token: {overlap: 1h}}
  redis: {managed: {storage: {size: 1Gi}}}
---
apiVersion: doorbell.dev/v1alpha1
kind: ActionMapping
metadata: {name: counted}
spec:
  sourceRef: {name: rudderstack}
  event: track/counted
  triggerWorkflow: {workflow: counted, recipients: body.userId, data: {number: body.properties.number}}
`

// knockManifest is the fake Knock: a Pod, whose image is %s, and its Service.
const knockManifest = `
apiVersion: v1
kind: Pod
metadata: {name: knock, labels: {app: knock}}
spec:
  containers:
  - name: knock
    image: %s
    imagePullPolicy: IfNotPresent
    command: [/knock]
    readinessProbe: {tcpSocket: {port: 8081}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: knock}
spec:
  selector: {app: knock}
  ports: [{name: api, port: 8080}, {name: control, port: 8081}]
`

// scene is the set-up of one test: a new namespace with a fake Knock and a Source that is ready.
type scene struct {
	t *testing.T
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t}
	ctx := t.Context()
	s.clear()
	if err := cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.clear)
	s.apply(fmt.Sprintf(knockManifest, os.Getenv("DOORBELL_E2E_KNOCK_IMAGE")))
	s.apply(manifests)
	s.awaitReady()
	return s
}

// clear removes the namespace and waits until it is gone.
func (s *scene) clear() {
	ctx := context.WithoutCancel(s.t.Context())
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := client.IgnoreNotFound(cluster.Delete(ctx, object)); err != nil {
		s.t.Fatal(err)
	}
	if err := poll(ctx, func(ctx context.Context) (bool, error) {
		return apierrors.IsNotFound(cluster.Get(ctx, client.ObjectKeyFromObject(object), object)), nil
	}); err != nil {
		s.t.Errorf("namespace %s is not deleted: %v", namespace, err)
	}
}

func (s *scene) apply(manifest string) {
	s.t.Helper()
	if err := apply(s.t.Context(), namespace, manifest); err != nil {
		s.t.Fatal(err)
	}
}

// source returns the Source; an empty one if it cannot be read.
func (s *scene) source(ctx context.Context) *v1alpha1.Source {
	source := &v1alpha1.Source{}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "rudderstack"}, source); err != nil {
		return &v1alpha1.Source{}
	}
	return source
}

func (s *scene) awaitCondition(kind, status, reason string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("condition %s is %s %s", kind, status, reason), func(ctx context.Context) string {
		source := s.source(ctx)
		if source.Status.ObservedGeneration != source.Generation {
			return "the status is about an older generation"
		}
		return conditionProblem(source, kind, status, reason)
	})
}

func (s *scene) awaitReady() {
	s.t.Helper()
	s.awaitCondition(v1alpha1.ConditionReady, "True", "")
}

func (s *scene) mapping(ctx context.Context, name string) *v1alpha1.ActionMapping {
	mapping := &v1alpha1.ActionMapping{}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, mapping); err != nil {
		s.t.Log(err)
	}
	return mapping
}

// url waits for the endpoint's Secret and returns the ingestion URL in it.
func (s *scene) url() string {
	s.t.Helper()
	secret := &corev1.Secret{}
	eventually(s.t, "the endpoint Secret exists", func(ctx context.Context) string {
		if err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "rudderstack-endpoint"}, secret); err != nil {
			return err.Error()
		}
		return ""
	})
	return string(secret.Data["url"])
}

// ingress returns a client that sends every request to the Ingress port of the node. The host in the URL does not have to resolve.
func ingress() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 32,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, "127.0.0.1:18080")
		},
	}}
}

// control calls the control API of the fake Knock through the API server's proxy.
func (s *scene) control(ctx context.Context, method, path string, query map[string]string) ([]byte, error) {
	request := cluster.set.CoreV1().RESTClient().Verb(method).Namespace(namespace).Resource("services").Name("knock:control").SubResource("proxy").Suffix(path)
	for name, value := range query {
		request = request.Param(name, value)
	}
	return request.DoRaw(ctx)
}

// calls returns all calls that the fake Knock has received; nil if it cannot be reached.
func (s *scene) calls(ctx context.Context) []knocktest.Call {
	raw, err := s.control(ctx, http.MethodGet, "calls", nil)
	var calls []knocktest.Call
	if err == nil {
		err = json.Unmarshal(raw, &calls)
	}
	if err != nil {
		s.t.Logf("calls: %v", err)
	}
	return calls
}

// respond makes the fake Knock respond with this status to every call; 0 makes it respond as usual.
func (s *scene) respond(status int) {
	s.t.Helper()
	if _, err := s.control(s.t.Context(), http.MethodPost, "answer", map[string]string{"status": fmt.Sprint(status)}); err != nil {
		s.t.Fatal(err)
	}
}
