// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

const (
	fleetSources  = 200
	fleetMappings = 50 // per Source
	idleRounds    = 5
	fleetPatience = 10 * time.Minute
	creators      = 16
)

// BenchmarkOperator measures a cluster with 200 Sources and 10,000 ActionMappings: the time until every status is written, the requests
// while nothing changes, the requests and the time when one mapping changes, and the memory.
func BenchmarkOperator(b *testing.B) {
	o := startOperator(b)
	started := time.Now()
	fleet := newFleet(b, o)
	reported := time.Since(started)
	setupWrites := o.writes.count()
	fleet.idle(b)
	heapBefore, written := heap(), o.writes.count()
	for range idleRounds {
		fleet.idle(b)
	}
	idleWrites, heapAfter := o.writes.count()-written, heap()

	var toConfigMap time.Duration
	changes, written := 0, o.writes.count()
	for b.Loop() {
		toConfigMap += fleet.change(b, changes)
		changes++
	}
	fleet.idle(b)
	b.Logf("requests of the last changes: %s", strings.Join(last(o.writes.since(written), 12), "\n"))
	b.ReportMetric(reported.Seconds(), "s/all-reported")
	b.ReportMetric(float64(setupWrites), "writes/setup")
	b.ReportMetric(float64(idleWrites), "writes/idle")
	b.ReportMetric(float64(o.writes.count()-written)/float64(changes), "writes/change")
	b.ReportMetric(float64(toConfigMap.Milliseconds())/float64(changes), "ms/configmap")
	b.ReportMetric(heapBefore, "MiB-before")
	b.ReportMetric(heapAfter, "MiB-after")
}

// fleet is a set of scenes, each in its own namespace.
type fleet []*scene

func newFleet(b *testing.B, o *operator) fleet {
	b.Helper()
	all := make(fleet, fleetSources)
	group, _ := errgroup.WithContext(b.Context())
	group.SetLimit(creators)
	for i := range all {
		s := newNamespace(b, o, fmt.Sprintf("fleet-%d", i))
		s.node = startNode(b, o, s.namespace, fmt.Sprintf("127.0.2.%d", i+1))
		all[i] = s
		group.Go(func() error {
			s.create(secret)
			s.create(source)
			for m := range fleetMappings {
				s.create(mappingOf(fmt.Sprintf("m-%d", m), "body.userId"))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	all.await(b, "every status is written", func(ctx context.Context) (bool, error) {
		for _, s := range all {
			s.node.settle(ctx)
		}
		mappings := &v1alpha1.ActionMappingList{}
		if err := o.List(ctx, mappings); err != nil {
			return false, err
		}
		for _, m := range mappings.Items {
			if !meta.IsStatusConditionTrue(m.Status.Conditions, v1alpha1.ConditionReady) {
				return false, nil
			}
		}
		sources := &v1alpha1.SourceList{}
		if err := o.List(ctx, sources); err != nil {
			return false, err
		}
		for _, source := range sources.Items {
			if !meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionReady) {
				return false, nil
			}
		}
		return true, nil
	})
	return all
}

func (f fleet) await(b *testing.B, what string, done wait.ConditionWithContextFunc) {
	b.Helper()
	if err := wait.PollUntilContextTimeout(b.Context(), time.Second, fleetPatience, true, done); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// idle triggers two reconciliations of each Source and waits until the first has finished, which is when the second begins.
func (f fleet) idle(b *testing.B) {
	b.Helper()
	group, _ := errgroup.WithContext(b.Context())
	group.SetLimit(creators)
	for _, s := range f {
		group.Go(func() error {
			s.reconciled()
			s.reconciled()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// change edits one mapping and waits until its status reports that it is live. It returns the time until the ConfigMap was written.
func (f fleet) change(b *testing.B, round int) time.Duration {
	b.Helper()
	s := f[round%len(f)]
	before := &corev1.ConfigMap{}
	s.get(before, "shop-document-0")
	started := time.Now()
	s.patch(&v1alpha1.ActionMapping{}, "m-7", fmt.Sprintf(`{"spec":{"when":"body.properties.total > %d.0"}}`, round+1))
	if err := wait.PollUntilContextTimeout(b.Context(), 2*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		now := &corev1.ConfigMap{}
		err := s.Get(ctx, client.ObjectKeyFromObject(before), now)
		return err == nil && now.ResourceVersion != before.ResourceVersion, err
	}); err != nil {
		b.Fatalf("the ConfigMap was not written: %v", err)
	}
	written := time.Since(started)
	s.awaitMapping("m-7", "True", v1alpha1.ReasonAccepted)
	return written
}

func last(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }

// heap returns the size of the live heap in MiB, the test and its pods included.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc) / (1 << 20)
}
