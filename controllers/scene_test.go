// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

const (
	patience     = time.Minute
	pollInterval = 20 * time.Millisecond
	apiKey       = "sk_test_never_to_be_seen"
)

// scene is a namespace with the Source shop, its ActionMapping welcome, the Secret with the API key, and a node.
type scene struct {
	*operator
	t         testing.TB
	namespace string
	node      *node
	patience  time.Duration // how long each wait can take
}

const source = `{apiVersion: doorbell.dev/v1alpha1, kind: Source, metadata: {name: shop},
  spec: {type: RudderStack, knock: {apiKeySecretRef: {name: knock, key: apiKey}}, ingest: {replicas: 1}}}`

const secret = `{apiVersion: v1, kind: Secret, metadata: {name: knock}, stringData: {apiKey: ` + apiKey + `}}`

// mappingOf returns a mapping of Source shop that triggers the workflow of the same name for the given recipients.
func mappingOf(name, recipients string) string {
	return fmt.Sprintf(`{apiVersion: doorbell.dev/v1alpha1, kind: ActionMapping, metadata: {name: %s},
  spec: {sourceRef: {name: shop}, event: track/signed_up, triggerWorkflow: {workflow: %s, recipients: %q}}}`, name, name, recipients)
}

// newScene creates a scene and waits until it is ready. The number distinguishes its namespace and the address of its pod.
func newScene(t testing.TB, o *operator, number int) *scene {
	t.Helper()
	s := newNamespace(t, o, fmt.Sprintf("scene-%d", number))
	s.node = startNode(t, o, s.namespace, fmt.Sprintf("127.0.1.%d", number))
	s.node.rollOut(t)
	s.create(secret)
	s.create(source)
	s.create(mappingOf("welcome", "body.userId"))
	s.awaitReady()
	s.awaitMapping("welcome", "True", v1alpha1.ReasonAccepted)
	return s
}

// newNamespace creates an empty scene. Its objects are deleted when the test ends, because the operator serves other tests too.
func newNamespace(t testing.TB, o *operator, name string) *scene {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}}
	if err := o.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, object := range []client.Object{&v1alpha1.ActionMapping{}, &v1alpha1.Source{}, &corev1.Pod{}} {
			if err := o.DeleteAllOf(context.WithoutCancel(t.Context()), object, client.InNamespace(namespace.Name)); err != nil {
				t.Errorf("clean up %s: %v", namespace.Name, err)
			}
		}
	})
	return &scene{operator: o, t: t, namespace: namespace.Name, patience: patience}
}

// reconciled triggers a reconciliation of the Source and returns when the reconciliation fetches the reports of the pods.
func (s *scene) reconciled() {
	s.t.Helper()
	asked := s.node.reports()
	s.patch(&v1alpha1.Source{}, "shop", fmt.Sprintf(`{"metadata":{"annotations":{"reconcile":"%d"}}}`, time.Now().UnixNano()))
	s.eventually("a reconciliation", func() string {
		if s.node.reports() == asked {
			return "not yet"
		}
		return ""
	})
}

// create creates the object in a YAML text.
func (s *scene) create(manifest string) {
	s.t.Helper()
	var about metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(manifest), &about); err != nil {
		s.t.Fatal(err)
	}
	var object client.Object
	switch about.Kind {
	case "Source":
		object = &v1alpha1.Source{}
	case "ActionMapping":
		object = &v1alpha1.ActionMapping{}
	case "Secret":
		object = &corev1.Secret{}
	case "Service":
		object = &corev1.Service{}
	}
	if err := yaml.UnmarshalStrict([]byte(manifest), object); err != nil {
		s.t.Fatal(err)
	}
	object.SetNamespace(s.namespace)
	if err := s.Create(s.t.Context(), object); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) patch(object client.Object, name, patch string) {
	s.t.Helper()
	object.SetNamespace(s.namespace)
	object.SetName(name)
	if err := s.Patch(s.t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) get(object client.Object, name string) bool {
	s.t.Helper()
	err := s.Get(s.t.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, object)
	if client.IgnoreNotFound(err) != nil {
		s.t.Fatal(err)
	}
	return err == nil
}

func (s *scene) remove(object client.Object, name string) {
	s.t.Helper()
	object.SetNamespace(s.namespace)
	object.SetName(name)
	if err := s.Delete(s.t.Context(), object); err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits until check returns "", which otherwise says what is missing.
func (s *scene) eventually(what string, check func() string) {
	s.t.Helper()
	missing := ""
	if err := wait.PollUntilContextTimeout(s.t.Context(), pollInterval, s.patience, true, func(context.Context) (bool, error) {
		missing = check()
		return missing == "", nil
	}); err != nil {
		s.t.Fatalf("%s: %v: %s", what, err, missing)
	}
}

func (s *scene) source() *v1alpha1.Source {
	object := &v1alpha1.Source{}
	s.get(object, "shop")
	return object
}

func (s *scene) await(kind, status, reason, message string) {
	s.t.Helper()
	s.eventually(kind+"="+status+" "+reason, func() string {
		object := s.source()
		if object.Status.ObservedGeneration != object.Generation {
			return "the status is about an older generation"
		}
		return mismatch(object.Status.Conditions, kind, status, reason, message)
	})
}

func (s *scene) awaitReady() {
	s.t.Helper()
	s.await(v1alpha1.ConditionReady, "True", v1alpha1.ReasonSucceeded, "")
}

func (s *scene) awaitMapping(name, status, reason string) *v1alpha1.ActionMapping {
	s.t.Helper()
	object := &v1alpha1.ActionMapping{}
	s.eventually("mapping "+name+" "+reason, func() string {
		s.get(object, name)
		if object.Status.ObservedGeneration != object.Generation {
			return "the status is about an older generation"
		}
		return mismatch(object.Status.Conditions, v1alpha1.ConditionReady, status, reason, "")
	})
	return object
}
