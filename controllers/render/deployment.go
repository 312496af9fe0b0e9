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
	// ingestUser is the user ID in the image.
	ingestUser = 65532
	// preStopSeconds is how long a pod that is being deleted still serves as before, until proxies and nodes have removed it from the
	// Service.
	preStopSeconds = 5
	// graceSeconds covers preStopSeconds, drainSeconds, the running calls to Knock and a margin.
	graceSeconds = 45
)

// deployment returns the Deployment of the ingest pods.
func (r *renderer) deployment() *appsv1ac.DeploymentApplyConfiguration {
	template := corev1ac.PodTemplateSpec().WithLabels(merged(r.spec.Ingest.Metadata.Labels, r.labels(ComponentIngest))).WithSpec(r.ingestPod())
	if annotations := r.spec.Ingest.Metadata.Annotations; len(annotations) > 0 {
		template.WithAnnotations(annotations)
	}
	spec := &appsv1ac.DeploymentSpecApplyConfiguration{
		Selector:             selector(Selector(r.Source, ComponentIngest)),
		Template:             template,
		RevisionHistoryLimit: new(int32(3)),
		Strategy: &appsv1ac.DeploymentStrategyApplyConfiguration{
			Type: new(appsv1.RollingUpdateDeploymentStrategyType),
			RollingUpdate: &appsv1ac.RollingUpdateDeploymentApplyConfiguration{
				MaxUnavailable: new(intstr.FromInt32(0)),
				MaxSurge:       new(intstr.FromInt32(1)),
			},
		},
	}
	spec.Replicas = r.replicas()
	deployment := appsv1ac.Deployment(IngestName(r.Source), r.Source.Namespace).
		WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).WithSpec(spec)
	if r.keepsReplicas() {
		// If an autoscaler has changed the number since it was read, the API server must reject this object.
		deployment.WithResourceVersion(r.Live.DeploymentVersion)
	}
	return deployment
}

func (r *renderer) ingestPod() *corev1ac.PodSpecApplyConfiguration {
	pod := corev1ac.PodSpec().
		WithContainers(r.ingestContainer()).
		WithVolumes(r.ingestVolumes()...).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(graceSeconds).
		WithSecurityContext(restrictedPod(ingestUser)).
		WithTopologySpreadConstraints(r.spread("kubernetes.io/hostname"), r.spread("topology.kubernetes.io/zone")).
		WithImagePullSecrets(pullSecrets(r.spec.Ingest.ImagePullSecrets)...)
	schedule(pod, &r.spec.Ingest.Scheduling)
	return pod
}

// spread returns a constraint that spreads the ingest pods over the nodes or zones that the label distinguishes, where that is possible.
func (r *renderer) spread(label string) *corev1ac.TopologySpreadConstraintApplyConfiguration {
	return corev1ac.TopologySpreadConstraint().WithTopologyKey(label).WithMaxSkew(1).WithWhenUnsatisfiable(corev1.ScheduleAnyway).
		WithLabelSelector(selector(Selector(r.Source, ComponentIngest)))
}

func (r *renderer) ingestContainer() *corev1ac.ContainerApplyConfiguration {
	wanted := r.ingestResources()
	container := &corev1ac.ContainerApplyConfiguration{
		Name:            new("ingest"),
		Image:           new(cmp.Or(string(r.spec.Ingest.Image), r.Image)),
		ImagePullPolicy: new(corev1.PullIfNotPresent),
		Command:         []string{"/ingest"},
		Args:            r.arguments(),
		Ports: []corev1ac.ContainerPortApplyConfiguration{
			{Name: new(layout.EventsPortName), ContainerPort: new(int32(layout.EventsPort)), Protocol: new(corev1.ProtocolTCP)},
			{Name: new(layout.AdminPortName), ContainerPort: new(int32(layout.AdminPort)), Protocol: new(corev1.ProtocolTCP)},
		},
		Resources:       resources(wanted),
		SecurityContext: restrictedContainer(),
		VolumeMounts: []corev1ac.VolumeMountApplyConfiguration{
			{Name: new(layout.ConfigVolume), MountPath: new(layout.ConfigDirectory), ReadOnly: new(true)},
		},
		Lifecycle: &corev1ac.LifecycleApplyConfiguration{
			PreStop: corev1ac.LifecycleHandler().WithSleep(corev1ac.SleepAction().WithSeconds(preStopSeconds)),
		},
		// Load balancers of clouds copy the readiness probe if it uses the port to which they send events.
		StartupProbe:   probe(layout.AdminPortName, layout.HealthPath).WithPeriodSeconds(1).WithFailureThreshold(60),
		LivenessProbe:  probe(layout.AdminPortName, layout.HealthPath).WithPeriodSeconds(10).WithFailureThreshold(6).WithTimeoutSeconds(5),
		ReadinessProbe: probe(layout.EventsPortName, layout.ReadyPath).WithPeriodSeconds(2).WithFailureThreshold(2).WithTimeoutSeconds(2),
	}
	if r.spec.Ingest.CABundle != nil {
		container.WithVolumeMounts(corev1ac.VolumeMount().WithName(layout.CAVolume).WithMountPath(layout.CADirectory).WithReadOnly(true))
	}
	return container.WithEnv(r.environment(wanted)...)
}

func probe(port, path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(port)))
}

// ingestResources returns the resources that the user chose, or defaults that suffice for a few hundred events per second.
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

// environment returns the environment variables: the UID of the pod, a memory limit for the Go runtime, the directories with
// certificate authorities, and the variables that the user set. These override the others, except the UID: if all pods had the same
// one, they would take over the leases of each other.
//
// The Go runtime may exceed its limit for a moment: when many large events arrive at once, they become garbage faster than it is
// collected. So the limit is half of the limit of the container. Then 64 bodies of 4 MB at once take less than 300 MiB.
func (r *renderer) environment(wanted corev1.ResourceRequirements) []*corev1ac.EnvVarApplyConfiguration {
	own := []corev1.EnvVar{{
		Name: podUID, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.uid"}},
	}}
	if limit, ok := wanted.Limits[corev1.ResourceMemory]; ok {
		own = append(own, corev1.EnvVar{Name: "GOMEMLIMIT", Value: fmt.Sprint(limit.Value() / 2)})
	}
	if r.spec.Ingest.CABundle != nil {
		own = append(own, corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/etc/ssl/certs:" + layout.CADirectory})
	}
	var all []*corev1ac.EnvVarApplyConfiguration
	users := map[string]bool{}
	for _, variable := range r.spec.Ingest.Env {
		users[variable.Name] = variable.Name != podUID
	}
	for _, variable := range own {
		if !users[variable.Name] {
			all = append(all, converted[corev1ac.EnvVarApplyConfiguration](variable))
		}
	}
	for _, variable := range r.spec.Ingest.Env {
		if variable.Name == podUID {
			continue
		}
		all = append(all, converted[corev1ac.EnvVarApplyConfiguration](variable))
	}
	return all
}
