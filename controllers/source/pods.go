// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// askFor is how long a pod may take to report.
	askFor = 2 * time.Second
	// maxReport bounds what a pod may answer.
	maxReport = 1 << 20
	// askAtOnce bounds the pods that one reconciliation asks at a time.
	askAtOnce = 16
)

// Asker gets an ingest pod's report from its operations port at that IP.
type Asker func(ctx context.Context, ip string) (*report.Report, error)

// Ask is the Asker over HTTP.
func Ask(transport *http.Transport, port string) Asker {
	httpClient := &http.Client{Transport: transport, Timeout: askFor}
	return func(ctx context.Context, ip string) (*report.Report, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(ip, port)+"/status", http.NoBody)
		if err != nil {
			return nil, err
		}
		response, err := httpClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("GET /status: %s", response.Status)
		}
		answer := &report.Report{}
		if err := json.NewDecoder(io.LimitReader(response.Body, maxReport)).Decode(answer); err != nil {
			return nil, fmt.Errorf("GET /status: %w", err)
		}
		return answer, nil
	}
}

// pod is an ingest pod and what it says of itself.
type pod struct {
	object *corev1.Pod
	ready  bool
	report *report.Report // nil when it does not answer
}

// observePods asks the pods of a Source that run.
func (r *Reconciler) observePods(ctx context.Context, source *v1alpha1.Source) ([]pod, error) {
	list := &corev1.PodList{}
	err := r.Client.List(ctx, list, client.InNamespace(source.Namespace), client.MatchingLabels(render.Selector(source, render.ComponentIngest)))
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var pods []pod
	for i := range list.Items {
		object := &list.Items[i]
		if object.DeletionTimestamp.IsZero() && object.Status.Phase == corev1.PodRunning && object.Status.PodIP != "" {
			pods = append(pods, pod{object: object, ready: isReady(object)})
		}
	}
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(askAtOnce)
	for i := range pods {
		group.Go(func() error {
			if answer, err := r.Ask(asking, pods[i].object.Status.PodIP); err == nil {
				pods[i].report = answer // a pod that does not answer is told by the conditions
			}
			return nil
		})
	}
	return pods, group.Wait()
}

func isReady(object *corev1.Pod) bool {
	return slices.ContainsFunc(object.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// runs says whether the pod runs that configuration.
func (p pod) runs(version string) bool {
	return p.report != nil && p.report.Configuration.Version == version && p.report.Configuration.Problem == ""
}

// nudge annotates the pods that were not told of the current configuration: kubelet refreshes the volumes of a pod that changed
// at once, and others within a minute or so.
func (r *Reconciler) nudge(ctx context.Context, seen *world) error {
	revision := seen.revision()
	for _, pod := range seen.pods {
		if pod.object.Annotations[render.AnnotationConfiguration] == revision {
			continue
		}
		if err := r.Apply.Annotate(ctx, pod.object, podKind(), render.AnnotationConfiguration, revision); err != nil {
			return err
		}
	}
	return nil
}

// revision names everything that is mounted into the pods.
func (w *world) revision() string {
	hash := sha256.New()
	t := w.tokens
	fmt.Fprintln(hash, w.compiled.bundle.Version, t.current, t.previous, t.until.Unix(), w.redis.Password, w.secrets.versions)
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
