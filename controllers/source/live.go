// SPDX-License-Identifier: Apache-2.0

package source

import (
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/doorbell-dev/doorbell/controllers/render"
)

// live returns the properties of existing objects that stay as they are.
func (o *observed) live(fieldOwner string) render.Live {
	var live render.Live
	if o.deployment != nil {
		live.Replicas, live.DeploymentVersion = o.deployment.Spec.Replicas, o.deployment.ResourceVersion
		live.ScaledByOthers = scaledByOthers(o.deployment, fieldOwner)
	}
	if o.statefulSet != nil {
		live.RedisPodManagement = o.statefulSet.Spec.PodManagementPolicy
	}
	return live
}

// scaledByOthers reports whether a field manager other than the given one has set the number of replicas, as an autoscaler does when it
// scales the Deployment for the first time.
func scaledByOthers(deployment *appsv1.Deployment, fieldOwner string) bool {
	replicas := fieldpath.MakePathOrDie("spec", "replicas")
	for _, entry := range deployment.ManagedFields {
		if entry.Manager == fieldOwner || entry.FieldsV1 == nil {
			continue
		}
		var fields fieldpath.Set
		if err := fields.FromJSON(entry.FieldsV1.GetRawReader()); err == nil && fields.Has(replicas) {
			return true
		}
	}
	return false
}
