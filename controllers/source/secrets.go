// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// secrets is what was read of the Secrets that a Source has to do with.
type secrets struct {
	endpoint, tokens *corev1.Secret // Doorbell's own; nil when they are not there
	token            string         // the user's, for spec.endpoint.token.secretRef
	versions         []string       // names and resource versions of the user's Secrets
}

// secretRef is one reference of a Source to a Secret.
type secretRef struct {
	field, condition string
	ref              *v1alpha1.SecretKeyReference
}

// secretRefs lists the Secrets that a Source refers to, by field.
func secretRefs(source *v1alpha1.Source) []secretRef {
	refs := []secretRef{
		{"spec.knock.apiKeySecretRef", v1alpha1.ConditionKnockReachable, &source.Spec.Knock.APIKeySecretRef},
		{"spec.verification", v1alpha1.ConditionEndpointReady, compile.VerificationSecret(source)},
		{"spec.endpoint.token.secretRef", v1alpha1.ConditionEndpointReady, source.Spec.Endpoint.Token.SecretRef},
	}
	if external := source.Spec.Redis.External; external != nil {
		if credentials := external.Credentials; credentials != nil {
			refs = append(refs,
				secretRef{"spec.redis.external.credentials.passwordSecretRef", v1alpha1.ConditionRedisReady, &credentials.PasswordSecretRef},
				secretRef{"spec.redis.external.credentials.usernameSecretRef", v1alpha1.ConditionRedisReady, credentials.UsernameSecretRef})
		}
		if external.TLS != nil {
			refs = append(refs, secretRef{"spec.redis.external.tls.caSecretRef", v1alpha1.ConditionRedisReady, external.TLS.CASecretRef})
		}
	}
	if bundle := source.Spec.Ingest.CABundle; bundle != nil {
		refs = append(refs, secretRef{"spec.ingest.caBundle.secretKeyRef", v1alpha1.ConditionIngestReady, bundle.SecretKeyRef})
	}
	return refs
}

// observeSecrets reads them, live: Secrets are not cached. A missing one is a problem that heals when it appears.
func (r *Reconciler) observeSecrets(ctx context.Context, seen *world) error {
	var err error
	if seen.secrets.endpoint, err = r.secret(ctx, seen.source, render.EndpointSecretName(seen.source)); err != nil {
		return err
	}
	if seen.secrets.tokens, err = r.secret(ctx, seen.source, render.TokensSecretName(seen.source)); err != nil {
		return err
	}
	if err := r.observeRedisSecret(ctx, seen); err != nil {
		return err
	}
	for _, needed := range secretRefs(seen.source) {
		if needed.ref == nil {
			continue
		}
		secret, err := r.secret(ctx, seen.source, needed.ref.Name)
		if err != nil {
			return err
		}
		value := seen.take(needed, secret)
		if needed.ref == seen.source.Spec.Endpoint.Token.SecretRef {
			seen.secrets.token = value
		}
	}
	return nil
}

// take returns the referenced value, or notes that it is missing.
func (w *world) take(needed secretRef, secret *corev1.Secret) string {
	missing := func(format string, args ...any) {
		w.problems = append(w.problems, &condition.Problem{
			Type: needed.condition, Reason: v1alpha1.ReasonSecretNotFound, Message: needed.field + ": " + fmt.Sprintf(format, args...),
		})
	}
	if secret == nil {
		missing("Secret %q does not exist in namespace %s: create it with key %q", needed.ref.Name, w.source.Namespace, needed.ref.Key)
		return ""
	}
	w.secrets.versions = append(w.secrets.versions, secret.Name+" "+secret.ResourceVersion)
	value, ok := secret.Data[needed.ref.Key]
	trimmed := strings.TrimSpace(string(value))
	switch {
	case !ok:
		missing("Secret %q has no key %q: add it", needed.ref.Name, needed.ref.Key)
	case trimmed == "":
		missing("Secret %q has nothing under key %q: write the value there", needed.ref.Name, needed.ref.Key)
	}
	return trimmed
}

// observeRedisSecret reads the credentials of the managed Redis, or makes the first ones.
func (r *Reconciler) observeRedisSecret(ctx context.Context, seen *world) error {
	if seen.source.Spec.Redis.External != nil {
		return nil
	}
	secret, err := r.secret(ctx, seen.source, render.RedisName(seen.source))
	if err != nil {
		return err
	}
	if secret != nil {
		seen.redis = render.RedisCredentials{Username: string(secret.Data["username"]), Password: string(secret.Data["password"])}
	}
	if seen.redis.Username == "" || seen.redis.Password == "" {
		seen.redis = render.RedisCredentials{Username: "doorbell", Password: r.Token()}
	}
	return nil
}

func (r *Reconciler) secret(ctx context.Context, source *v1alpha1.Source, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: source.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return secret, nil
}
