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

// secrets contains what the controller read from the Secrets that a Source owns or refers to.
type secrets struct {
	endpoint, tokens, redis *corev1.Secret // Doorbell's own; nil if they do not exist
	token                   string         // the value of spec.endpoint.token.secretRef
	versions                []string       // names and resource versions of the Secrets that the Source refers to
}

// observeSecrets reads the Secrets from the API server, since the cache contains only their metadata. A missing Secret or key becomes a
// problem that ends when the user creates it.
func (r *Reconciler) observeSecrets(ctx context.Context, seen *observed) error {
	var err error
	if seen.secrets.endpoint, err = r.secret(ctx, seen.source, render.EndpointSecretName(seen.source)); err != nil {
		return err
	}
	if seen.secrets.tokens, err = r.secret(ctx, seen.source, render.TokensSecretName(seen.source)); err != nil {
		return err
	}
	if seen.source.Spec.Redis.External == nil {
		if seen.secrets.redis, err = r.secret(ctx, seen.source, render.RedisName(seen.source)); err != nil {
			return err
		}
	}
	for _, needed := range podsecrets.Of(seen.source) {
		secret, err := r.secret(ctx, seen.source, needed.Ref.Name)
		if err != nil {
			return err
		}
		value := seen.secretValue(needed, secret)
		if needed.Field == podsecrets.TokenField {
			seen.secrets.token = value
		}
	}
	return nil
}

// secretValue returns the value that a reference points to, without surrounding white space, and records the version of the Secret. If
// the value is missing, secretValue adds a problem and returns "".
func (o *observed) secretValue(needed podsecrets.Secret, secret *corev1.Secret) string {
	addProblem := func(format string, args ...any) {
		o.missing = append(o.missing, &condition.Problem{
			Type: needed.Condition, Reason: v1alpha1.ReasonSecretNotFound, Message: needed.Field + ": " + fmt.Sprintf(format, args...),
		})
	}
	if secret == nil {
		addProblem("Secret %q does not exist in namespace %q; create it with the key %q", needed.Ref.Name, o.source.Namespace, needed.Ref.Key)
		return ""
	}
	o.secrets.versions = append(o.secrets.versions, secret.Name+" "+secret.ResourceVersion)
	value, ok := secret.Data[needed.Ref.Key]
	trimmed := strings.TrimSpace(string(value))
	switch {
	case !ok:
		addProblem("Secret %q has no key %q; add it", needed.Ref.Name, needed.Ref.Key)
	case trimmed == "":
		addProblem("key %q of Secret %q is empty; set its value", needed.Ref.Key, needed.Ref.Name)
	}
	return trimmed
}

// secret reads a Secret from the API server. It returns nil if the Secret does not exist.
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
