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
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/layout"
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

// Asker gets an ingest pod's report from its admin port at that IP.
type Asker func(ctx context.Context, ip string) (*report.Report, error)

// Ask is the Asker over HTTP.
func Ask(transport *http.Transport, port string) Asker {
	httpClient := &http.Client{Transport: transport, Timeout: askFor}
	return func(ctx context.Context, ip string) (*report.Report, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(ip, port)+layout.StatusPath, http.NoBody)
		if err != nil {
			return nil, err
		}
		response, err := httpClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("GET %s: %s", layout.StatusPath, response.Status)
		}
		answer := &report.Report{}
		if err := json.NewDecoder(io.LimitReader(response.Body, maxReport)).Decode(answer); err != nil {
			return nil, fmt.Errorf("GET %s: %w", layout.StatusPath, err)
		}
		return answer, nil
	}
}

// pod is one of the Source's pods, and what it says of itself if it is an ingest pod.
type pod struct {
	object *corev1.Pod
	ready  bool
	report *report.Report // nil when it does not answer
}

// observePods lists the pods of a Source, and asks those that take events.
func (r *Reconciler) observePods(ctx context.Context, source *v1alpha1.Source) ([]pod, error) {
	list := &corev1.PodList{}
	err := r.Client.List(ctx, list, client.InNamespace(source.Namespace), client.MatchingLabels{v1alpha1.LabelSource: source.Name})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var pods []pod
	for i := range list.Items {
		if object := &list.Items[i]; object.DeletionTimestamp.IsZero() {
			pods = append(pods, pod{object: object, ready: isReady(object)})
		}
	}
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(askAtOnce)
	for i := range pods {
		if !pods[i].answers() {
			continue
		}
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

// answers says whether the pod has a report to give.
func (p pod) answers() bool {
	return p.ingest() && p.object.Status.Phase == corev1.PodRunning && p.object.Status.PodIP != ""
}

func (p pod) ingest() bool {
	return p.object.Labels["app.kubernetes.io/component"] == render.ComponentIngest
}

// trouble tells what keeps the pod from being ready, as Kubernetes says it; "" when it tells nothing.
func (p pod) trouble() string {
	for _, container := range p.object.Status.ContainerStatuses {
		switch waiting := container.State.Waiting; {
		case waiting == nil, waiting.Reason == "ContainerCreating":
		case waiting.Reason == "CrashLoopBackOff": // its message counts seconds
			return waiting.Reason + "; `kubectl logs " + p.object.Name + "` tells why"
		default:
			return strings.TrimSpace(waiting.Reason + " " + waiting.Message)
		}
	}
	for _, c := range p.object.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return strings.TrimSpace(c.Reason + " " + c.Message)
		}
	}
	return ""
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
		if !pod.answers() || pod.object.Annotations[render.AnnotationConfiguration] == revision {
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
