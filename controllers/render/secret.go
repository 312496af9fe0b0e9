// SPDX-License-Identifier: Apache-2.0

package render

import (
	"time"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// endpointSecret holds the ingestion URL for the user to read.
func (r *renderer) endpointSecret() *corev1ac.SecretApplyConfiguration {
	base, _ := URL(r.Source)
	return corev1ac.Secret(EndpointSecretName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentEndpoint)).
		WithOwnerReferences(r.endpointOwner()...).
		WithData(map[string][]byte{EndpointTokenKey: []byte(r.Tokens.Shown), EndpointURLKey: []byte(base + "/" + r.Tokens.Shown)})
}

// tokensSecret holds the valid tokens for the pods to mount.
func (r *renderer) tokensSecret() *corev1ac.SecretApplyConfiguration {
	data := map[string][]byte{layout.CurrentTokenKey: []byte(r.Tokens.Current)}
	if r.Tokens.Previous != "" {
		data[layout.PreviousTokenKey] = []byte(r.Tokens.Previous)
		data[layout.PreviousUntilKey] = []byte(r.Tokens.PreviousUntil.UTC().Format(time.RFC3339))
	}
	secret := corev1ac.Secret(TokensSecretName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentEndpoint)).
		WithOwnerReferences(r.endpointOwner()...).WithData(data)
	if r.Tokens.Rotation != "" {
		secret.WithAnnotations(map[string]string{v1alpha1.AnnotationRotateToken: r.Tokens.Rotation})
	}
	if r.Tokens.Published {
		secret.WithAnnotations(map[string]string{AnnotationPublished: "true"})
	}
	return secret
}
