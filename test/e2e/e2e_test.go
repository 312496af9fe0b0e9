// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// bodies returns the sample events. If DOORBELL_RUDDER_PAYLOADS names a file, it adds the events in it, one a line.
func bodies(t *testing.T) []string {
	t.Helper()
	var all []string
	samples, err := filepath.Glob("../../config/samples/events/*.json")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	if path := os.Getenv("DOORBELL_RUDDER_PAYLOADS"); path != "" {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			all = append(all, lines.Text())
		}
	}
	return all
}

func TestEventsSentToTheIngressBecomeKnockCalls(t *testing.T) {
	s := newScene(t)
	sender := ingress()
	url := s.url()
	for _, body := range bodies(t) {
		response, err := sender.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %.60s", response.Status, body)
		}
	}
	eventually(t, "Knock has received the calls of identify-user and order-completed", func(ctx context.Context) string {
		var identified, ordered bool
		for _, call := range s.calls(ctx) {
			if call.Status >= 400 {
				return fmt.Sprintf("Knock rejected %s %s: %d", call.Method, call.Path, call.Status)
			}
			identified = identified || call.Method == http.MethodPut && strings.HasPrefix(call.Path, "/v1/users/")
			ordered = ordered || call.Path == "/v1/workflows/order-completed/trigger"
		}
		if !identified || !ordered {
			return fmt.Sprintf("identify-user: %v, order-completed: %v", identified, ordered)
		}
		return ""
	})
	s.awaitCondition(v1alpha1.ConditionKnockReachable, "True", "")
}

func TestEditedMappingIsLiveWithoutFailedRequests(t *testing.T) {
	s := newScene(t)
	url := s.url()
	posting := &sender{http: ingress(), url: url, users: 4, strict: true}
	done := make(chan error, 1)
	go func() { done <- posting.run(t.Context(), 150, 50*time.Millisecond) }()

	before := s.mapping(t.Context(), "counted").Status.Configuration
	s.apply(strings.Split(manifests, "---\n")[2] + "  when: body.properties.number >= 0\n")
	eventually(t, "the edited mapping is live", func(ctx context.Context) string {
		status := s.mapping(ctx, "counted").Status
		if status.Configuration == "" || status.Configuration == before || status.ObservedGeneration < 2 {
			return fmt.Sprintf("%+v", status)
		}
		return ""
	})
	s.rollOut() // while the sender keeps posting
	s.awaitReady()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	posting.awaitAll(t, s)
}

func TestRotatedTokenKeepsThePreviousTokenValid(t *testing.T) {
	s := newScene(t)
	urls := []string{s.url()}
	expectAccepted := func(urls ...string) {
		t.Helper()
		for _, url := range urls {
			response, err := ingress().Post(url, "application/json", strings.NewReader(`{"type":"page","userId":"u"}`))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("got %s for a token that must be valid; want 200", response.Status)
			}
		}
	}
	expectRotation := func() {
		t.Helper()
		last := urls[len(urls)-1]
		eventually(t, "the endpoint Secret shows a new URL", func(ctx context.Context) string {
			secret := &corev1.Secret{}
			err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "rudderstack-endpoint"}, secret)
			if err != nil || string(secret.Data["url"]) == last {
				return "it still shows the old URL"
			}
			urls = append(urls, string(secret.Data["url"]))
			return ""
		})
		expectAccepted(urls[len(urls)-2:]...)
		if s.source(t.Context()).Status.Rotation == nil {
			s.awaitReady()
		}
		if status := s.source(t.Context()).Status; status.Rotation == nil || time.Until(status.Rotation.PreviousValidUntil.Time) < 50*time.Minute {
			t.Errorf("got status.rotation %+v; want the time until which the previous token is valid", status.Rotation)
		}
	}
	expectAccepted(urls...)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"doorbell.dev/rotate-token":"once"}}}`))
	if err := cluster.Patch(t.Context(), s.source(t.Context()), patch); err != nil {
		t.Fatal(err)
	}
	expectRotation()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "rudderstack-endpoint"}}
	if err := cluster.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	expectRotation()
}

func TestRecreatedSourceKeepsItsURLAndUndeliveredEvents(t *testing.T) {
	s := newScene(t)
	url := s.url()
	s.respond(http.StatusServiceUnavailable)
	posting := &sender{http: ingress(), url: url, users: 2, strict: true}
	if err := posting.run(t.Context(), 5, 0); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Delete(t.Context(), s.source(t.Context())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "only the retained objects exist", s.leftovers("Secret/rudderstack-endpoint", "Secret/rudderstack-tokens", "PersistentVolumeClaim/data-rudderstack-redis-0"))
	s.respond(0)
	s.apply(manifests)
	s.awaitReady()
	if again := s.url(); again != url {
		t.Error("the recreated Source has a new URL; want the same")
	}
	posting.awaitAll(t, s)

	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"endpoint":{"onDelete":"Delete"},"redis":{"managed":{"onDelete":"Delete"}}}}`))
	if err := cluster.Patch(t.Context(), s.source(t.Context()), patch); err != nil {
		t.Fatal(err)
	}
	s.awaitReady()
	if err := cluster.Delete(t.Context(), s.source(t.Context())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all objects of the Source are deleted", s.leftovers())
}

// leftovers returns a check that the Source's objects are exactly the kept ones, written KIND/NAME.
func (s *scene) leftovers(kept ...string) func(ctx context.Context) string {
	return func(ctx context.Context) string {
		found := map[string]bool{}
		for kind, list := range map[string]client.ObjectList{
			"Secret": &corev1.SecretList{}, "PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{}, "ConfigMap": &corev1.ConfigMapList{},
			"Service": &corev1.ServiceList{}, "Pod": &corev1.PodList{}, "Deployment": &appsv1.DeploymentList{}, "StatefulSet": &appsv1.StatefulSetList{},
		} {
			if err := cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelSource: "rudderstack"}); err != nil {
				return err.Error()
			}
			if err := meta.EachListItem(list, func(object runtime.Object) error {
				found[kind+"/"+object.(client.Object).GetName()] = true
				return nil
			}); err != nil {
				return err.Error()
			}
		}
		for _, name := range kept {
			if !found[name] {
				return name + " was deleted"
			}
			delete(found, name)
		}
		if len(found) > 0 {
			return fmt.Sprintf("these objects still exist: %v", found)
		}
		return ""
	}
}

func TestMistakesAreReportedInConditions(t *testing.T) {
	s := newScene(t)
	broken := strings.Replace(strings.Split(manifests, "---\n")[2], "body.properties.number}", "body.properties.number +}", 1)
	s.apply(strings.Replace(broken, "{name: counted}", "{name: broken}", 1))
	eventually(t, "the broken mapping reports its mistake", func(ctx context.Context) string {
		c := meta.FindStatusCondition(s.mapping(ctx, "broken").Status.Conditions, v1alpha1.ConditionReady)
		if c == nil || c.Reason != v1alpha1.ReasonInvalidExpression || !strings.Contains(c.Message, "line 1, column") {
			return fmt.Sprintf("%+v", c)
		}
		return ""
	})
	s.awaitReady()

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "knock"}}
	if err := cluster.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonSecretNotFound)
	s.apply("{apiVersion: v1, kind: Secret, metadata: {name: knock}, stringData: {apiKey: sk_test_e2e}}")
	s.awaitReady()

	const newKey = "sk_test_another"
	if _, err := s.control(t.Context(), http.MethodPost, "key", map[string]string{"key": newKey}); err != nil {
		t.Fatal(err)
	}
	url := s.url()
	posting := &sender{http: ingress(), url: url, users: 2, strict: true}
	if err := posting.run(t.Context(), 3, 0); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(v1alpha1.ConditionKnockReachable, "False", v1alpha1.ReasonUnauthorized)
	s.apply("{apiVersion: v1, kind: Secret, metadata: {name: knock}, stringData: {apiKey: " + newKey + "}}")
	posting.awaitAll(t, s)
	s.awaitReady()
}
