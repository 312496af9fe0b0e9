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
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// secrets is what was read of the Secrets that a Source has to do with.
type secrets struct {
	endpoint, tokens *corev1.Secret // Doorbell's own; nil when they are not there
	token            string         // the user's, for spec.endpoint.token.secretRef
	versions         []string       // names and resource versions of the user's Secrets
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
	for _, needed := range podsecrets.Of(seen.source) {
		secret, err := r.secret(ctx, seen.source, needed.Ref.Name)
		if err != nil {
			return err
		}
		value := seen.take(needed, secret)
		if needed.Field == podsecrets.TokenField {
			seen.secrets.token = value
		}
	}
	return nil
}

// take returns the referenced value, or notes that it is missing.
func (w *world) take(needed podsecrets.Secret, secret *corev1.Secret) string {
	missing := func(format string, args ...any) {
		w.problems = append(w.problems, &condition.Problem{
			Type: needed.Condition, Reason: v1alpha1.ReasonSecretNotFound, Message: needed.Field + ": " + fmt.Sprintf(format, args...),
		})
	}
	if secret == nil {
		missing("Secret %q does not exist in namespace %s: create it with key %q", needed.Ref.Name, w.source.Namespace, needed.Ref.Key)
		return ""
	}
	w.secrets.versions = append(w.secrets.versions, secret.Name+" "+secret.ResourceVersion)
	value, ok := secret.Data[needed.Ref.Key]
	trimmed := strings.TrimSpace(string(value))
	switch {
	case !ok:
		missing("Secret %q has no key %q: add it", needed.Ref.Name, needed.Ref.Key)
	case trimmed == "":
		missing("Secret %q has nothing under key %q: write the value there", needed.Ref.Name, needed.Ref.Key)
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
		seen.redis = render.RedisCredentials{Username: string(secret.Data[render.RedisUsernameKey]), Password: string(secret.Data[render.RedisPasswordKey])}
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
