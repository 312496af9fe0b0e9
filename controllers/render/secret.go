// SPDX-License-Identifier: Apache-2.0

package render

import (
	"time"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// endpointSecret gives people the URL.
func (r *renderer) endpointSecret() *corev1ac.SecretApplyConfiguration {
	base, _ := URL(r.Source)
	return corev1ac.Secret(EndpointSecretName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentEndpoint)).
		WithOwnerReferences(r.endpointOwner()...).
		WithData(map[string][]byte{"token": []byte(r.Tokens.Shown), "url": []byte(base + "/" + r.Tokens.Shown)})
}

// tokensSecret tells the pods which tokens are valid.
func (r *renderer) tokensSecret() *corev1ac.SecretApplyConfiguration {
	data := map[string][]byte{"current": []byte(r.Tokens.Current)}
	if r.Tokens.Previous != "" {
		data["previous"] = []byte(r.Tokens.Previous)
		data["previousUntil"] = []byte(r.Tokens.PreviousUntil.UTC().Format(time.RFC3339))
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
