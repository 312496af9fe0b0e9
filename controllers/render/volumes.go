// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

const (
	configFolder = "/etc/doorbell"
	caFolder     = "/etc/doorbell-ca"
)

// ingestVolumes are one folder with everything that a pod runs on, which kubelet renews as a whole, and perhaps certificates.
func (r *renderer) ingestVolumes() []*corev1ac.VolumeApplyConfiguration {
	var sources []*corev1ac.VolumeProjectionApplyConfiguration
	for i := range document.MaxParts { // those that are not there may come without a restart
		part := fmt.Sprintf("part-%d", i)
		items := []*corev1ac.KeyToPathApplyConfiguration{corev1ac.KeyToPath().WithKey(part).WithPath("document/" + part)}
		if i == 0 {
			items = append(items, corev1ac.KeyToPath().WithKey("manifest.json").WithPath("document/manifest.json"))
		}
		sources = append(sources, corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(DocumentName(r.Source, i)).WithOptional(true).WithItems(items...)))
	}
	sources = append(sources, r.secretFiles()...)
	volumes := []*corev1ac.VolumeApplyConfiguration{corev1ac.Volume().WithName("configuration").
		WithProjected(corev1ac.ProjectedVolumeSource().WithDefaultMode(0o440).WithSources(sources...))}
	if bundle := r.spec.Ingest.CABundle; bundle != nil {
		volumes = append(volumes, caVolume(bundle))
	}
	return volumes
}

// secretFiles projects each secret to the file where the process looks for it. A missing one does not keep a pod from starting: it
// takes events and says what it waits for.
func (r *renderer) secretFiles() []*corev1ac.VolumeProjectionApplyConfiguration {
	var files []*corev1ac.VolumeProjectionApplyConfiguration
	project := func(ref *v1alpha1.SecretKeyReference, path string) {
		if ref != nil {
			files = append(files, secretFile(ref.Name, ref.Key, path))
		}
	}
	files = append(files, corev1ac.VolumeProjection().WithSecret(corev1ac.SecretProjection().WithName(TokensSecretName(r.Source)).
		WithOptional(true).WithItems(
		corev1ac.KeyToPath().WithKey("current").WithPath("tokens/current"))))
	for _, key := range []string{"previous", "previousUntil"} {
		files = append(files, secretFile(TokensSecretName(r.Source), key, "tokens/"+key))
	}
	project(&r.spec.Knock.APIKeySecretRef, "knock/apiKey")
	project(compile.VerificationSecret(r.Source), "verification/secret")
	external := r.spec.Redis.External
	if external == nil {
		project(&v1alpha1.SecretKeyReference{Name: RedisName(r.Source), Key: "username"}, "redis/username")
		project(&v1alpha1.SecretKeyReference{Name: RedisName(r.Source), Key: "password"}, "redis/password")
		return files
	}
	if credentials := external.Credentials; credentials != nil {
		project(&credentials.PasswordSecretRef, "redis/password")
		project(credentials.UsernameSecretRef, "redis/username")
	}
	if external.TLS != nil {
		project(external.TLS.CASecretRef, "redis/ca.crt")
	}
	return files
}

func secretFile(name, key, path string) *corev1ac.VolumeProjectionApplyConfiguration {
	return corev1ac.VolumeProjection().WithSecret(corev1ac.SecretProjection().WithName(name).WithOptional(true).
		WithItems(corev1ac.KeyToPath().WithKey(key).WithPath(path)))
}

func caVolume(bundle *v1alpha1.CABundle) *corev1ac.VolumeApplyConfiguration {
	volume := corev1ac.Volume().WithName("ca")
	if ref := bundle.ConfigMapKeyRef; ref != nil {
		return volume.WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ref.Name).
			WithItems(corev1ac.KeyToPath().WithKey(ref.Key).WithPath("ca.crt")))
	}
	ref := bundle.SecretKeyRef
	return volume.WithSecret(corev1ac.SecretVolumeSource().WithSecretName(ref.Name).WithDefaultMode(0o440).
		WithItems(corev1ac.KeyToPath().WithKey(ref.Key).WithPath("ca.crt")))
}
