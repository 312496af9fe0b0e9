// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// documents returns the ConfigMaps with the compiled document, one for each part. An object in Kubernetes can have about 1 MiB, so a
// large document is cut into parts. The operator cannot update several ConfigMaps at the same moment, so a pod can see parts of two
// versions. The manifest in the first ConfigMap holds the number, the size and the hash of the parts, so that the process can
// tell a mixture from a complete version; it keeps running the last complete one meanwhile.
func (r *renderer) documents() []*corev1ac.ConfigMapApplyConfiguration {
	if r.Bundle == nil {
		return nil
	}
	parts := make([]*corev1ac.ConfigMapApplyConfiguration, len(r.Bundle.Parts))
	for i, part := range r.Bundle.Parts {
		data := map[string][]byte{layout.PartKey(i): part}
		if i == 0 {
			data[layout.ManifestKey] = r.Bundle.Manifest
		}
		parts[i] = corev1ac.ConfigMap(DocumentName(r.Source, i), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).
			WithOwnerReferences(r.owner()).WithBinaryData(data)
	}
	return parts
}
