// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// shown returns the token in the endpoint Secret, or "" if the Secret does not exist.
func (s *scene) shown() string {
	secret := &corev1.Secret{}
	s.get(secret, "shop-endpoint")
	return string(secret.Data["token"])
}

func rotation(t *testing.T, s *scene) {
	first := s.shown()
	if len(first) < 22 {
		t.Fatalf("the token has %d characters; want at least 22", len(first))
	}
	s.node.set(func(n *node) { n.stale = true })
	s.patch(&v1alpha1.Source{}, "shop", `{"metadata":{"annotations":{"doorbell.dev/rotate-token":"1"}}}`)
	s.eventually("both tokens are valid", func() string {
		tokens := &corev1.Secret{}
		if s.get(tokens, "shop-tokens"); string(tokens.Data["previous"]) != first {
			return "not yet"
		}
		return ""
	})
	if s.shown() != first {
		t.Error("the endpoint Secret shows a token that no pod accepts")
	}
	s.node.set(func(n *node) { n.stale = false })
	s.eventually("the new token is shown", func() string {
		if s.shown() == first {
			return "the previous token is still shown"
		}
		return ""
	})
	second := s.shown()
	s.remove(&corev1.Secret{}, "shop-endpoint")
	s.eventually("deleting the endpoint Secret rotates the token", func() string {
		if now := s.shown(); now == "" || now == second {
			return now
		}
		return ""
	})
	until := s.source().Status.Rotation
	if until == nil {
		t.Fatal("the status does not report when the previous token expires")
	}
	s.at(until.PreviousValidUntil.Add(time.Second))
	s.patch(&v1alpha1.Source{}, "shop", `{"metadata":{"annotations":{"reconcile":"again"}}}`)
	s.eventually("the previous token expires", func() string {
		tokens := &corev1.Secret{}
		s.get(tokens, "shop-tokens")
		if rotation := s.source().Status.Rotation; len(tokens.Data["previous"]) > 0 || rotation != nil {
			return fmt.Sprintf("previous token valid until %s, status.rotation %v, now %s", tokens.Data["previousUntil"], rotation, s.now.Load())
		}
		return ""
	})
}

func ownToken(_ *testing.T, s *scene) {
	s.create(`{apiVersion: v1, kind: Secret, metadata: {name: mine}, stringData: {token: short}}`)
	before := s.shown()
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"token":{"secretRef":{"name":"mine","key":"token"}}}}}`)
	s.await(v1alpha1.ConditionEndpointReady, "False", v1alpha1.ReasonInvalidToken, "22 to 128")
	if s.shown() != before {
		s.t.Error("the invalid token replaced the stored one")
	}
	const token = "0123456789abcdef0123456789abcdef"
	s.patch(&corev1.Secret{}, "mine", `{"stringData":{"token":"`+token+`"}}`)
	s.eventually("the token of the user is shown", func() string {
		if s.shown() != token {
			return "not yet"
		}
		return ""
	})
	s.awaitReady()
}
