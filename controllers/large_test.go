// SPDX-License-Identifier: Apache-2.0

//go:build !race

package controllers_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

func TestTenThousandMappingsAreSplitIntoSeveralConfigMaps(t *testing.T) {
	const mappings = 10_000
	s := newScene(t, startOperator(t), 201)
	t.Cleanup(s.removeMappings)
	group, _ := errgroup.WithContext(t.Context())
	group.SetLimit(creators)
	for i := range mappings - 1 { // the scene has one already
		group.Go(func() error {
			s.create(mappingOf(fmt.Sprintf("m-%d", i), "body.properties."+incompressible(i)))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	s.patience = fleetPatience
	s.eventually("every mapping is accepted", func() string {
		if accepted := *s.source().Status.Mappings.Accepted; accepted != mappings {
			return fmt.Sprint(accepted)
		}
		return ""
	})
	s.awaitReady()
	if !s.get(&corev1.ConfigMap{}, "shop-document-1") {
		t.Error("the document fits into one ConfigMap, so the test proves nothing")
	}
	s.awaitMapping(fmt.Sprintf("m-%d", mappings-2), "True", v1alpha1.ReasonAccepted)
}

// incompressible returns a name that barely compresses.
func incompressible(i int) string {
	one, two := sha256.Sum256([]byte{byte(i), byte(i >> 8)}), sha256.Sum256([]byte{byte(i), byte(i >> 8), 2})
	return "x" + hex.EncodeToString(one[:]) + hex.EncodeToString(two[:])
}

// removeMappings deletes the mappings one by one: one request for all of them would exceed the time limit of the API server.
func (s *scene) removeMappings() {
	ctx := context.WithoutCancel(s.t.Context())
	list := &v1alpha1.ActionMappingList{}
	if err := s.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		s.t.Error(err)
	}
	var group errgroup.Group
	group.SetLimit(creators)
	for i := range list.Items {
		group.Go(func() error { return client.IgnoreNotFound(s.Delete(ctx, &list.Items[i])) })
	}
	if err := group.Wait(); err != nil {
		s.t.Error(err)
	}
}
