// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers"
)

func TestEventsAndWritesOfTransitions(t *testing.T) {
	o := startOperator(t)
	for i, tc := range []struct {
		name string
		run  func(t *testing.T, s *scene)
	}{
		{"each transition records one Event", eventsOnce},
		{"a Source with suspended deliveries is Ready", suspended},
		{"an object that the API server rejects is reported with its message", applyRejected},
		{"a route without the Gateway API is reported", noGateway},
		{"a mapping without a Source recovers when the Source is created", sourceComesLater},
		{"a Source that is created again keeps its URL", createdAgain},
		{"a mapping that is created again is a new mapping", mappingCreatedAgain},
		{"a changed mapping causes the fewest possible writes", oneChange},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, o, i+101)
			tc.run(t, s)
			s.revealsNoSecret()
		})
	}
}

// revealsNoSecret fails if the value of a Secret of the namespace appears in the log or in an object that is not a Secret.
func (s *scene) revealsNoSecret() {
	s.t.Helper()
	secrets := &corev1.SecretList{}
	public := strings.Join(s.log.since(0), "\n")
	for _, list := range []client.ObjectList{
		secrets, &v1alpha1.SourceList{}, &v1alpha1.ActionMappingList{}, &eventsv1.EventList{}, &appsv1.DeploymentList{},
		&appsv1.StatefulSetList{}, &corev1.ConfigMapList{}, &corev1.PodList{}, &networkingv1.IngressList{},
	} {
		if err := s.List(s.t.Context(), list, client.InNamespace(s.namespace)); err != nil {
			s.t.Fatal(err)
		}
		if list != secrets {
			if err := meta.EachListItem(list, func(object runtime.Object) error {
				encoded, err := json.Marshal(object)
				public += string(encoded)
				return err
			}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if len(value) >= 20 && key != "previousUntil" && strings.Contains(public, string(value)) {
				s.t.Errorf("the value of key %s in Secret %s appears in the log or in another object", key, secret.Name)
			}
		}
	}
}

// events returns one line for each Event that the manager recorded, with its count if it was recorded several times. The API server
// records Events of its own, about Services for example.
func (s *scene) events() []string {
	s.t.Helper()
	list := &eventsv1.EventList{}
	if err := s.List(s.t.Context(), list, client.InNamespace(s.namespace)); err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, event := range list.Items {
		if event.ReportingController != controllers.Name {
			continue
		}
		line := fmt.Sprintf("%s %s %s", event.Regarding.Kind, event.Type, event.Reason)
		if event.Series != nil {
			line += fmt.Sprintf(" %d times", event.Series.Count)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func eventsOnce(_ *testing.T, s *scene) {
	want := []string{
		"ActionMapping Normal Accepted",
		"Source Normal ConfigurationValid", "Source Normal EndpointReady", "Source Normal IngestReady", "Source Normal MappingsAccepted",
		"Source Normal Ready", "Source Normal RedisReady",
	}
	s.eventually("the events of a new Source", func() string { return cmp.Diff(want, s.events()) })
	s.create(mappingOf("broken", "totl"))
	s.awaitMapping("broken", "False", v1alpha1.ReasonInvalidExpression)
	s.await(v1alpha1.ConditionMappingsAccepted, "False", v1alpha1.ReasonMappingsRejected, "broken")
	want = append(want, "ActionMapping Warning InvalidExpression", "Source Warning MappingsRejected")
	slices.Sort(want)
	s.eventually("the events of a bad mapping", func() string { return cmp.Diff(want, s.events()) })
	for range 3 {
		s.reconciled()
	}
	if diff := cmp.Diff(want, s.events()); diff != "" {
		s.t.Errorf("Events changed without a transition: %s", diff)
	}
}

func suspended(_ *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"delivery":{"suspend":true}}}`)
	s.await(v1alpha1.ConditionKnockReachable, "Unknown", v1alpha1.ReasonSuspended, "spec.delivery.suspend")
	s.await(v1alpha1.ConditionReady, "True", v1alpha1.ReasonSucceeded, "deliveries are suspended")
}

func applyRejected(_ *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}}}`)
	s.await(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonApplyRejected, "must be less than or equal to cpu limit")
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"ingest":{"resources":null}}}`)
	s.awaitReady()
}

func noGateway(_ *testing.T, s *scene) {
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"host":"e.example.com","httpRoute":{"parentRefs":[{"name":"public"}]}}}}`)
	s.await(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonGatewayAPINotInstalled, "install the Gateway API")
}

func sourceComesLater(_ *testing.T, s *scene) {
	s.create(strings.Replace(mappingOf("early", "body.userId"), "sourceRef: {name: shop}", "sourceRef: {name: later}", 1))
	s.awaitMapping("early", "False", v1alpha1.ReasonSourceNotFound)
	s.create(strings.Replace(source, "name: shop", "name: later", 1))
	s.awaitMapping("early", "False", v1alpha1.ReasonSourceNotReady)
	s.patch(&v1alpha1.ActionMapping{}, "early", `{"spec":{"sourceRef":{"name":"shop"}}}`)
	s.awaitMapping("early", "True", v1alpha1.ReasonAccepted)
	s.remove(&v1alpha1.Source{}, "shop")
	s.awaitMapping("early", "False", v1alpha1.ReasonSourceNotFound)
}

func createdAgain(t *testing.T, s *scene) {
	token, former := s.shown(), s.source()
	s.remove(&v1alpha1.Source{}, "shop")
	s.awaitMapping("welcome", "False", v1alpha1.ReasonSourceNotFound)
	s.create(source)
	s.await(v1alpha1.ConditionReady, "False", v1alpha1.ReasonProgressing, "belongs to a deleted Source of the same name")
	s.collect(former)
	s.awaitReady()
	s.awaitMapping("welcome", "True", v1alpha1.ReasonAccepted)
	if s.shown() != token {
		t.Error("the token changed")
	}
}

// collect replaces the garbage collector of Kubernetes: it deletes the objects that the given one owns.
func (s *scene) collect(owner metav1.Object) {
	s.t.Helper()
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &appsv1.StatefulSetList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}, &corev1.SecretList{},
		&networkingv1.NetworkPolicyList{},
	} {
		if err := s.List(s.t.Context(), list, client.InNamespace(s.namespace)); err != nil {
			s.t.Fatal(err)
		}
		if err := meta.EachListItem(list, func(item runtime.Object) error {
			if object := item.(client.Object); metav1.IsControlledBy(object, owner) {
				return s.Delete(s.t.Context(), object)
			}
			return nil
		}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func mappingCreatedAgain(t *testing.T, s *scene) {
	s.node.set(func(n *node) { n.stale = true })
	s.remove(&v1alpha1.ActionMapping{}, "welcome")
	s.create(mappingOf("welcome", "body.properties.email"))
	again := s.awaitMapping("welcome", "False", v1alpha1.ReasonProgressing)
	if again.Status.Configuration != "" {
		t.Errorf("reported as live in %s, although no pod runs it", again.Status.Configuration)
	}
	s.node.set(func(n *node) { n.stale = false })
	s.awaitMapping("welcome", "True", v1alpha1.ReasonAccepted)
}

func oneChange(t *testing.T, s *scene) {
	s.create(mappingOf("second", "body.userId"))
	s.awaitMapping("second", "True", v1alpha1.ReasonAccepted)
	s.awaitReady()
	s.reconciled()
	s.reconciled()
	before := s.writes.count()
	s.patch(&v1alpha1.ActionMapping{}, "second", `{"spec":{"when":"body.properties.total > 100.0"}}`)
	s.awaitMapping("second", "True", v1alpha1.ReasonAccepted)
	s.awaitReady()
	written := map[string]int{}
	for _, line := range s.writes.since(before) {
		if !strings.Contains(line, "/events.k8s.io/") {
			written[strings.Replace(line, "/namespaces/"+s.namespace+"/", " ", 1)]++
		}
	}
	want := map[string]int{
		"PATCH /api/v1 configmaps/shop-document-0":                       1,
		"PATCH /api/v1 pods/shop-ingest-0":                               1,
		"PATCH /apis/doorbell.dev/v1alpha1 actionmappings/second/status": 2, // pending, then live
		"PATCH /apis/doorbell.dev/v1alpha1 sources/shop/status":          2,
	}
	if diff := cmp.Diff(want, written); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
