// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// ingestVolumes returns the volume with everything that a pod runs on and, if the Source has a CA bundle, the volume with that.
//
// The document and the secrets share one projected volume, because kubelet replaces the content of a projected volume at once: the
// process never reads the document of one version with the tokens of another. Every source of the volume is optional, so that a pod
// starts, accepts events and reports what is missing even if a Secret does not exist yet. The volume names all parts that a document
// can have: a document that grows needs no change of the pod template and hence no rollout.
func (r *renderer) ingestVolumes() []*corev1ac.VolumeApplyConfiguration {
	var sources []*corev1ac.VolumeProjectionApplyConfiguration
	for i := range document.MaxParts {
		items := []*corev1ac.KeyToPathApplyConfiguration{keyToPath(layout.PartKey(i), layout.PartFile(i))}
		if i == 0 {
			items = append(items, keyToPath(layout.ManifestKey, layout.ManifestFile))
		}
		sources = append(sources, corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(DocumentName(r.Source, i)).WithOptional(true).WithItems(items...)))
	}
	sources = append(sources, r.secretFiles()...)
	volumes := []*corev1ac.VolumeApplyConfiguration{corev1ac.Volume().WithName(layout.ConfigVolume).
		WithProjected(corev1ac.ProjectedVolumeSource().WithDefaultMode(0o440).WithSources(sources...))}
	if bundle := r.spec.Ingest.CABundle; bundle != nil {
		volumes = append(volumes, caVolume(bundle))
	}
	return volumes
}

// secretFiles projects Doorbell's own Secrets, and the ones that the Source refers to, to the files that the process reads.
func (r *renderer) secretFiles() []*corev1ac.VolumeProjectionApplyConfiguration {
	tokens := TokensSecretName(r.Source)
	files := []*corev1ac.VolumeProjectionApplyConfiguration{
		secretFile(tokens, layout.CurrentTokenKey, layout.CurrentTokenFile),
		secretFile(tokens, layout.PreviousTokenKey, layout.PreviousTokenFile),
		secretFile(tokens, layout.PreviousUntilKey, layout.PreviousUntilFile),
	}
	for _, secret := range podsecrets.Of(r.Source) {
		if secret.File != "" {
			files = append(files, secretFile(secret.Ref.Name, secret.Ref.Key, secret.File))
		}
	}
	if r.spec.Redis.External == nil {
		files = append(files,
			secretFile(RedisName(r.Source), RedisUsernameKey, layout.RedisUsernameFile),
			secretFile(RedisName(r.Source), RedisPasswordKey, layout.RedisPasswordFile))
	}
	return files
}

func secretFile(name, key, file string) *corev1ac.VolumeProjectionApplyConfiguration {
	return corev1ac.VolumeProjection().WithSecret(corev1ac.SecretProjection().WithName(name).WithOptional(true).WithItems(keyToPath(key, file)))
}

func keyToPath(key, file string) *corev1ac.KeyToPathApplyConfiguration {
	return corev1ac.KeyToPath().WithKey(key).WithPath(file)
}

func caVolume(bundle *v1alpha1.CABundle) *corev1ac.VolumeApplyConfiguration {
	volume := corev1ac.Volume().WithName(layout.CAVolume)
	if ref := bundle.ConfigMapKeyRef; ref != nil {
		return volume.WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ref.Name).WithItems(keyToPath(ref.Key, layout.CAFile)))
	}
	ref := bundle.SecretKeyRef
	return volume.WithSecret(corev1ac.SecretVolumeSource().WithSecretName(ref.Name).WithDefaultMode(0o440).
		WithItems(keyToPath(ref.Key, layout.CAFile)))
}
