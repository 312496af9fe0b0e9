// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// documents carry the compiled document. The first one holds the manifest, by which a process knows that it has all parts of one
// version.
func (r *renderer) documents() []*corev1ac.ConfigMapApplyConfiguration {
	parts := make([]*corev1ac.ConfigMapApplyConfiguration, len(r.Bundle.Parts))
	for i, part := range r.Bundle.Parts {
		data := map[string][]byte{fmt.Sprintf("part-%d", i): part}
		if i == 0 {
			data["manifest.json"] = r.Bundle.Manifest
		}
		parts[i] = corev1ac.ConfigMap(DocumentName(r.Source, i), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).
			WithOwnerReferences(r.owner()).WithBinaryData(data)
	}
	return parts
}
