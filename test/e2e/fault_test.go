// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// fault is a failure that the test causes in the cluster while it sends events.
type fault struct {
	name  string
	cause func(s *scene)
}

// faults lists the failures during which Doorbell must neither lose nor repeat an event. The restart of the kubelet is only possible
// if DOORBELL_E2E_RESTART_KUBELET contains a command for it.
func faults() []fault {
	all := []fault{
		{"every ingest pod is killed", func(s *scene) { s.kill(namespace, component("ingest"), 0) }},
		{"Redis is killed", func(s *scene) { s.kill(namespace, component("redis"), 1) }}, // grace 0 could start a second Redis on the volume before the first one has stopped
		{"the operator is killed", func(s *scene) { s.kill("doorbell-system", component("manager"), 0) }},
		{"ingest is rolled out again", func(s *scene) { s.rollOut() }},
		{"Redis and ingest are killed together", func(s *scene) {
			s.delete(namespace, component("redis"), 1)
			s.kill(namespace, component("ingest"), 0)
		}},
		{"a mistake in the image of Redis is corrected", func(s *scene) { s.mistypeRedisImage() }},
	}
	if command := os.Getenv("DOORBELL_E2E_RESTART_KUBELET"); command != "" {
		all = append(all, fault{"the kubelet is restarted", func(s *scene) { s.command(command) }})
	}
	return all
}

func TestNoEventIsLostOrDeliveredTwiceDuringFaults(t *testing.T) {
	s := newScene(t)
	stop, done := make(chan struct{}), make(chan error, 1)
	posting := &sender{http: ingress(), url: s.url(), users: 10, stop: stop}
	go func() { done <- posting.run(t.Context(), 2000, 250*time.Millisecond) }()

	for _, fault := range faults() {
		before := posting.total()
		start := time.Now()
		fault.cause(s)
		s.awaitReady()
		eventually(t, "events are accepted", func(context.Context) string {
			if posting.total() < before+2*posting.users {
				return "too few were accepted"
			}
			return ""
		})
		t.Logf("%s: recovered after %s", fault.name, time.Since(start).Round(100*time.Millisecond))
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events accepted, %d attempts failed", posting.total(), len(posting.failures))
	posting.awaitAll(t, s)
	s.awaitReady()
}

// component returns the labels of the pods of one component of Doorbell.
func component(name string) map[string]string {
	return map[string]string{"app.kubernetes.io/component": name}
}

// kill deletes the pods with these labels and waits until the same number of new pods is ready. grace is in seconds.
func (s *scene) kill(in string, labels map[string]string, grace int64) {
	s.t.Helper()
	s.awaitReplacement(in, labels, s.delete(in, labels, grace))
}

// delete deletes the pods with these labels. It returns their UIDs; the values report whether they were ready.
func (s *scene) delete(in string, labels map[string]string, grace int64) (before map[types.UID]bool) {
	s.t.Helper()
	before = s.pods(s.t.Context(), in, labels)
	err := cluster.DeleteAllOf(s.t.Context(), &corev1.Pod{}, client.InNamespace(in), client.MatchingLabels(labels), client.GracePeriodSeconds(grace))
	if err != nil {
		s.t.Fatal(err)
	}
	return before
}

// rollOut changes an environment variable of the ingest pods and waits until new pods have replaced all of them.
func (s *scene) rollOut() {
	s.t.Helper()
	before := s.pods(s.t.Context(), namespace, component("ingest"))
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"ingest":{"env":[{"name":"RESTARTED","value":"yes"}]}}}`))
	if err := cluster.Patch(s.t.Context(), s.source(s.t.Context()), patch); err != nil {
		s.t.Fatal(err)
	}
	s.awaitReplacement(namespace, component("ingest"), before)
}

// mistypeRedisImage changes the image of Redis to one that does not exist, waits until the new pod cannot start, and corrects the image.
func (s *scene) mistypeRedisImage() {
	s.t.Helper()
	patch := func(image string) {
		raw := fmt.Sprintf(`{"spec":{"redis":{"managed":{"image":%s}}}}`, image)
		if err := cluster.Patch(s.t.Context(), s.source(s.t.Context()), client.RawPatch(types.MergePatchType, []byte(raw))); err != nil {
			s.t.Fatal(err)
		}
	}
	patch(`"docker.io/library/redis:mistyped"`)
	eventually(s.t, "the condition names the image", func(ctx context.Context) string {
		c := meta.FindStatusCondition(s.source(ctx).Status.Conditions, v1alpha1.ConditionRedisReady)
		if c == nil || !strings.Contains(c.Message, "redis:mistyped") {
			return fmt.Sprint(c)
		}
		return ""
	})
	patch("null")
}

// awaitReplacement waits until all of the given pods are gone and the same number of new pods is ready.
func (s *scene) awaitReplacement(in string, labels map[string]string, before map[types.UID]bool) {
	s.t.Helper()
	if len(before) == 0 {
		s.t.Fatalf("no pods with %v in %s", labels, in)
	}
	eventually(s.t, fmt.Sprintf("the pods of %v are replaced", slices.Collect(maps.Values(labels))), func(ctx context.Context) string {
		ready := 0
		for uid, isReady := range s.pods(ctx, in, labels) {
			if _, old := before[uid]; old {
				return "an old pod still exists"
			}
			if isReady {
				ready++
			}
		}
		if ready < len(before) {
			return fmt.Sprintf("%d of %d pods are ready", ready, len(before))
		}
		return ""
	})
}

// pods returns the UIDs of the pods with these labels; the values report whether they are ready.
func (s *scene) pods(ctx context.Context, in string, labels map[string]string) map[types.UID]bool {
	list := &corev1.PodList{}
	if err := cluster.List(ctx, list, client.InNamespace(in), client.MatchingLabels(labels)); err != nil {
		s.t.Log(err)
	}
	ready := map[types.UID]bool{}
	for _, pod := range list.Items {
		ready[pod.UID] = slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
	}
	return ready
}

// command runs a shell command.
func (s *scene) command(command string) {
	s.t.Helper()
	if out, err := exec.CommandContext(s.t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", command, err, out)
	}
}
