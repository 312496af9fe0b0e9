// SPDX-License-Identifier: Apache-2.0

package source

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// reportTimeout is how long a pod can take to respond with its report.
	reportTimeout = 2 * time.Second
	// maxReport is the largest report that is read, in bytes.
	maxReport = 1 << 20
	// maxConcurrentRequests is how many pods one reconciliation asks at the same time.
	maxConcurrentRequests = 16
)

// ReportFetcher fetches the report of the ingest pod with the given IP address.
type ReportFetcher func(ctx context.Context, ip string) (*report.Report, error)

// NewReportFetcher returns a ReportFetcher that sends a request to the admin port of the pod. It does not follow redirects: a pod must not
// be able to make the manager send requests to other addresses.
func NewReportFetcher(transport *http.Transport, port string) ReportFetcher {
	httpClient := &http.Client{
		Transport: transport, Timeout: reportTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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
		fetched := &report.Report{}
		if err := json.NewDecoder(io.LimitReader(response.Body, maxReport)).Decode(fetched); err != nil {
			return nil, fmt.Errorf("GET %s: %w", layout.StatusPath, err)
		}
		clean(&fetched.Configuration.Problem, &fetched.Redis.Problem, &fetched.Knock.Problem)
		return fetched, nil
	}
}

// clean makes texts of a report fit for a condition, because a pod that is not Doorbell's own can report anything: it replaces control
// characters and shortens long texts.
func clean(texts ...*string) {
	for _, text := range texts {
		printable := strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, strings.ToValidUTF8(*text, " "))
		*text = condition.EventNote(printable)
	}
}

// pod is one of the pods of a Source, with its report if it is an ingest pod.
type pod struct {
	object *corev1.Pod
	ready  bool
	report *report.Report // nil if the pod has none or did not respond
}

// observePods lists the pods of a Source, sorted by name so that messages about them do not change with every list, and fetches the reports
// of the ingest pods. A pod that does not respond is no error: the
// conditions report it.
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
	slices.SortFunc(pods, func(a, b pod) int { return cmp.Compare(a.object.Name, b.object.Name) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxConcurrentRequests)
	for i := range pods {
		if !pods[i].reachable() {
			continue
		}
		group.Go(func() error {
			if fetched, err := r.FetchReport(ctx, pods[i].object.Status.PodIP); err == nil {
				pods[i].report = fetched
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

// reachable reports whether the pod can respond with a report.
func (p pod) reachable() bool {
	return p.ingest() && p.object.Status.Phase == corev1.PodRunning && p.object.Status.PodIP != ""
}

// ingest reports whether the pod is an ingest pod.
func (p pod) ingest() bool {
	return p.object.Labels[render.LabelComponent] == render.ComponentIngest
}

// blockedReason returns what keeps the pod from being ready, as Kubernetes reports it, or "" if it reports nothing.
func (p pod) blockedReason() string {
	for _, container := range p.object.Status.ContainerStatuses {
		switch waiting := container.State.Waiting; {
		case waiting == nil, waiting.Reason == "ContainerCreating":
		case waiting.Reason == "CrashLoopBackOff": // without its message, which changes every few seconds
			return waiting.Reason + "; for the cause, run `kubectl logs " + p.object.Name + "`"
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

// runs reports whether the pod runs the given version of the configuration, without problems.
func (p pod) runs(version string) bool {
	return p.report != nil && p.report.Configuration.Version == version && p.report.Configuration.Problem == ""
}

// refreshVolumes makes kubelet refresh the volumes of the pods that have not been annotated with the given revision.
//
// Kubelet notices a changed ConfigMap or Secret only when it next syncs the pod, which takes a minute or more. It syncs a pod at once
// when the pod itself changes. An annotation is such a change, and it restarts nothing: it is set on the pod, not on the template. The
// revision is a hash of everything that is mounted, so that each pod is annotated once per change.
func (r *Reconciler) refreshVolumes(ctx context.Context, pods []pod, revision string) error {
	for _, pod := range pods {
		if !pod.reachable() || pod.object.Annotations[render.AnnotationConfiguration] == revision {
			continue
		}
		if err := r.Applier.Annotate(ctx, pod.object, podKind(), render.AnnotationConfiguration, revision); err != nil {
			return err
		}
	}
	return nil
}
