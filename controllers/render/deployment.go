// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

const (
	// ingestUser is the image's.
	ingestUser = 65532
	// preStop is how long a pod goes on as if nothing were, while those who send to it hear that it goes.
	preStop = 5
	// graceSeconds covers preStop, the drain, calls under way, and a margin.
	graceSeconds = 45
)

func (r *renderer) deployment() *appsv1ac.DeploymentApplyConfiguration {
	template := corev1ac.PodTemplateSpec().WithLabels(merged(r.spec.Ingest.Metadata.Labels, r.labels(ComponentIngest))).WithSpec(r.ingestPod())
	if annotations := r.spec.Ingest.Metadata.Annotations; len(annotations) > 0 {
		template.WithAnnotations(annotations)
	}
	spec := appsv1ac.DeploymentSpec().WithSelector(selector(Selector(r.Source, ComponentIngest))).WithTemplate(template).
		WithRevisionHistoryLimit(3).
		WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType).
			WithRollingUpdate(appsv1ac.RollingUpdateDeployment().WithMaxUnavailable(intstr.FromInt32(0)).WithMaxSurge(intstr.FromInt32(1))))
	if r.spec.Ingest.Autoscaling == nil { // else the autoscaler's
		spec.WithReplicas(r.fewestPods())
	}
	return appsv1ac.Deployment(IngestName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).
		WithOwnerReferences(r.owner()).WithSpec(spec)
}

func (r *renderer) ingestPod() *corev1ac.PodSpecApplyConfiguration {
	wanted := r.spec.Ingest
	pod := corev1ac.PodSpec().WithContainers(r.ingestContainer()).WithVolumes(r.ingestVolumes()...).
		WithAutomountServiceAccountToken(false).WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(graceSeconds).WithSecurityContext(restrictedPod(ingestUser)).
		WithTopologySpreadConstraints(r.spread("kubernetes.io/hostname"), r.spread("topology.kubernetes.io/zone"))
	schedule(pod, &wanted.Scheduling)
	pod.WithImagePullSecrets(pullSecrets(wanted.ImagePullSecrets)...)
	return pod
}

func (r *renderer) spread(over string) *corev1ac.TopologySpreadConstraintApplyConfiguration {
	return corev1ac.TopologySpreadConstraint().WithTopologyKey(over).WithMaxSkew(1).WithWhenUnsatisfiable(corev1.ScheduleAnyway).
		WithLabelSelector(selector(Selector(r.Source, ComponentIngest)))
}

func (r *renderer) ingestContainer() *corev1ac.ContainerApplyConfiguration {
	wanted := r.ingestResources()
	container := corev1ac.Container().WithName("ingest").WithImage(cmp.Or(string(r.spec.Ingest.Image), r.Image)).
		WithImagePullPolicy(corev1.PullIfNotPresent).
		WithCommand("/ingest").WithArgs(r.arguments()...).WithEnv(r.environment(wanted)...).
		WithPorts(
			corev1ac.ContainerPort().WithName(layout.EventsPortName).WithContainerPort(layout.EventsPort).WithProtocol(corev1.ProtocolTCP),
			corev1ac.ContainerPort().WithName(layout.AdminPortName).WithContainerPort(layout.AdminPort).WithProtocol(corev1.ProtocolTCP)).
		WithResources(resources(wanted)).WithSecurityContext(restrictedContainer()).
		WithVolumeMounts(corev1ac.VolumeMount().WithName(layout.ConfigVolume).WithMountPath(layout.ConfigDirectory).WithReadOnly(true)).
		WithLifecycle(corev1ac.Lifecycle().WithPreStop(corev1ac.LifecycleHandler().WithSleep(corev1ac.SleepAction().WithSeconds(preStop)))).
		WithStartupProbe(probe(layout.HealthPath).WithPeriodSeconds(1).WithFailureThreshold(60)).
		WithLivenessProbe(probe(layout.HealthPath).WithPeriodSeconds(10).WithFailureThreshold(6).WithTimeoutSeconds(5)).
		WithReadinessProbe(probe(layout.ReadyPath).WithPeriodSeconds(2).WithFailureThreshold(2).WithTimeoutSeconds(2))
	if r.spec.Ingest.CABundle != nil {
		container.WithVolumeMounts(corev1ac.VolumeMount().WithName(layout.CAVolume).WithMountPath(layout.CADirectory).WithReadOnly(true))
	}
	return container
}

func probe(path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(layout.AdminPortName)))
}

// ingestResources are the user's; without any, enough for some hundred events a second.
func (r *renderer) ingestResources() corev1.ResourceRequirements {
	wanted := r.spec.Ingest.Resources
	if len(wanted.Requests) > 0 || len(wanted.Limits) > 0 {
		return wanted
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
	}
}

// environment names the pod and tells Go of the memory limit; the user's entries are added, and go over ours.
func (r *renderer) environment(wanted corev1.ResourceRequirements) []*corev1ac.EnvVarApplyConfiguration {
	own := []corev1.EnvVar{{
		Name: podUID, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.uid"}},
	}}
	if limit, ok := wanted.Limits[corev1.ResourceMemory]; ok {
		own = append(own, corev1.EnvVar{Name: "GOMEMLIMIT", Value: fmt.Sprint(limit.Value() / 10 * 9)})
	}
	if r.spec.Ingest.CABundle != nil {
		own = append(own, corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/etc/ssl/certs:" + layout.CADirectory})
	}
	var all []*corev1ac.EnvVarApplyConfiguration
	users := map[string]bool{}
	for _, variable := range r.spec.Ingest.Env {
		users[variable.Name] = true
	}
	for _, variable := range own {
		if !users[variable.Name] {
			all = append(all, same[corev1ac.EnvVarApplyConfiguration](variable))
		}
	}
	for _, variable := range r.spec.Ingest.Env {
		all = append(all, same[corev1ac.EnvVarApplyConfiguration](variable))
	}
	return all
}
