// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// service returns the Service in front of the ingest pods.
func (r *renderer) service() *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(IngestName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).WithOwnerReferences(r.owner()).
		WithSpec(corev1ac.ServiceSpec().WithType(corev1.ServiceTypeClusterIP).WithSelector(Selector(r.Source, ComponentIngest)).
			WithPorts(corev1ac.ServicePort().WithName(layout.EventsPortName).WithProtocol(corev1.ProtocolTCP).WithPort(servicePort).
				WithTargetPort(intstr.FromString(layout.EventsPortName))))
}
