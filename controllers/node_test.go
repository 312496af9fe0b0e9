// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// node replaces kubelet and the workload controllers, which do not run in the tests. It runs one ingest pod for one Source, which
// reports over HTTP, as the real one does, what it finds in the objects that it would mount.
type node struct {
	o         *operator
	namespace string
	ip        string

	mu     sync.Mutex
	stale  bool // the volumes are not refreshed
	knock  report.Knock
	redis  report.Redis
	loaded report.Configuration
	asked  int // how often the report was fetched
}

// startNode runs a pod for the Source shop of the namespace.
func startNode(t testing.TB, o *operator, namespace, ip string) *node {
	t.Helper()
	n := &node{
		o: o, namespace: namespace, ip: ip, redis: report.Redis{State: report.RedisConnected, Durable: true}, knock: report.Knock{State: report.KnockIdle},
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, o.port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(n.report(r.Context()))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop-ingest-0", Labels: map[string]string{
			"app.kubernetes.io/name": "doorbell", "app.kubernetes.io/instance": "shop", "app.kubernetes.io/component": "ingest",
			"app.kubernetes.io/managed-by": "doorbell", "doorbell.dev/source": "shop",
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "ingest", Image: "doorbell:test"}}},
	}
	if err := o.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	if err := o.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return n
}

// set changes what the pod reports.
func (n *node) set(change func(n *node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// reports returns how often the report was fetched.
func (n *node) reports() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *node) report(ctx context.Context) report.Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if !n.stale {
		n.loaded = n.mounted(ctx)
	}
	return report.Report{Program: "test", Configuration: n.loaded, Redis: n.redis, Knock: n.knock}
}

// mounted returns what the pod would load from its config directory.
func (n *node) mounted(ctx context.Context) report.Configuration {
	parts := map[int]*corev1.ConfigMap{}
	for i := range document.MaxParts {
		part := &corev1.ConfigMap{}
		if n.o.Get(ctx, client.ObjectKey{Namespace: n.namespace, Name: fmt.Sprintf("shop-document-%d", i)}, part) == nil {
			parts[i] = part
		}
	}
	if parts[0] == nil {
		return report.Configuration{Problem: "no document"}
	}
	doc, err := document.Unpack(parts[0].BinaryData[layout.ManifestKey], func(i int) ([]byte, error) {
		if parts[i] == nil {
			return nil, fmt.Errorf("no part %d", i)
		}
		return parts[i].BinaryData[layout.PartKey(i)], nil
	})
	if err != nil {
		return report.Configuration{Problem: err.Error()}
	}
	loaded := report.Configuration{Source: doc.Ref(), Version: doc.Version(), APIKey: true}
	tokens := &corev1.Secret{}
	if n.o.Get(ctx, client.ObjectKey{Namespace: n.namespace, Name: "shop-tokens"}, tokens) == nil {
		for _, name := range []string{layout.CurrentTokenKey, layout.PreviousTokenKey} {
			if token := tokens.Data[name]; len(token) > 0 {
				loaded.TokenHashes = append(loaded.TokenHashes, report.TokenHash(string(token)))
			}
		}
	}
	return loaded
}

// rollOut sets the status of a finished rollout on the Deployment and the StatefulSet whenever they change, until the test ends.
func (n *node) rollOut(t testing.TB) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			n.settle(ctx)
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// settle sets the status of a finished rollout on the Deployment and the StatefulSet if they changed.
func (n *node) settle(ctx context.Context) {
	deployment := &appsv1.Deployment{}
	if n.o.Get(ctx, client.ObjectKey{Namespace: n.namespace, Name: "shop-ingest"}, deployment) == nil && deployment.Status.ObservedGeneration != deployment.Generation {
		r := *deployment.Spec.Replicas
		deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: r, UpdatedReplicas: r, ReadyReplicas: r, AvailableReplicas: r}
		_ = n.o.Status().Update(ctx, deployment) // the next call retries after a conflict
	}
	set := &appsv1.StatefulSet{}
	if n.o.Get(ctx, client.ObjectKey{Namespace: n.namespace, Name: "shop-redis"}, set) == nil && set.Status.ObservedGeneration != set.Generation {
		set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
		_ = n.o.Status().Update(ctx, set)
	}
}
