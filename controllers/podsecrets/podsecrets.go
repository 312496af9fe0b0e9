// SPDX-License-Identifier: Apache-2.0

// Package podsecrets lists the Secrets that a Source refers to. It is the only place that knows them: the operator mounts each one
// into the pods, reports the missing ones and watches all of them by this list, and `doorbell dev` reads the same values from
// manifests. To add a secret, add one entry here and its file to ingest/layout. The package is pure: it reads no Secret.
package podsecrets

import (
	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// Secret is one reference from a Source to a key of a Secret in its namespace.
type Secret struct {
	// Field is the path of the field that holds the reference, for messages.
	Field string
	Ref   v1alpha1.SecretKeyReference
	// File is where the pods find the value, relative to layout.ConfigDirectory. It is empty for a secret that is not mounted there:
	// the operator reads the token itself, and the CA bundle has a volume of its own.
	File string
	// Condition is the type of the condition that reports a missing Secret or key.
	Condition string
}

// The fields whose value the operator or `doorbell dev` needs by name.
const (
	// APIKeyField refers to the secret API key of the Knock environment.
	APIKeyField = "spec.knock.apiKeySecretRef" //nolint:gosec // a field
	// TokenField refers to the user's own token for the ingestion URL.
	TokenField = "spec.endpoint.token.secretRef"
	// VerificationField refers to the secret with which senders prove who they are.
	VerificationField = "spec.verification"
)

// Of returns the Secrets that the Source refers to, always in the same order. Optional references that are not set are left out.
func Of(source *v1alpha1.Source) []Secret {
	var secrets []Secret
	add := func(field string, ref *v1alpha1.SecretKeyReference, file, condition string) {
		if ref != nil {
			secrets = append(secrets, Secret{Field: field, Ref: *ref, File: file, Condition: condition})
		}
	}
	spec := &source.Spec
	add(APIKeyField, &spec.Knock.APIKeySecretRef, layout.APIKeyFile, v1alpha1.ConditionKnockReachable)
	add(VerificationField, verification(spec.Verification), layout.VerificationFile, v1alpha1.ConditionEndpointReady)
	add(TokenField, spec.Endpoint.Token.SecretRef, "", v1alpha1.ConditionEndpointReady)
	if external := spec.Redis.External; external != nil {
		if credentials := external.Credentials; credentials != nil {
			add("spec.redis.external.credentials.passwordSecretRef", &credentials.PasswordSecretRef, layout.RedisPasswordFile, v1alpha1.ConditionRedisReady)
			add("spec.redis.external.credentials.usernameSecretRef", credentials.UsernameSecretRef, layout.RedisUsernameFile, v1alpha1.ConditionRedisReady)
		}
		if external.TLS != nil {
			add("spec.redis.external.tls.caSecretRef", external.TLS.CASecretRef, layout.RedisCAFile, v1alpha1.ConditionRedisReady)
		}
	}
	if bundle := spec.Ingest.CABundle; bundle != nil {
		add("spec.ingest.caBundle.secretKeyRef", bundle.SecretKeyRef, "", v1alpha1.ConditionIngestReady)
	}
	return secrets
}

// Find returns the Secret that the given field refers to, and reports whether the Source sets that field.
func Find(source *v1alpha1.Source, field string) (Secret, bool) {
	for _, secret := range Of(source) {
		if secret.Field == field {
			return secret, true
		}
	}
	return Secret{}, false
}

// verification returns the reference of the scheme that is set, or nil if the Source verifies nothing.
func verification(spec *v1alpha1.Verification) *v1alpha1.SecretKeyReference {
	switch {
	case spec == nil:
		return nil
	case spec.HeaderSecret != nil:
		return &spec.HeaderSecret.SecretRef
	case spec.Basic != nil:
		return &spec.Basic.SecretRef
	case spec.Bearer != nil:
		return &spec.Bearer.SecretRef
	case spec.HMAC != nil:
		return &spec.HMAC.SecretRef
	default:
		return spec.SecretRef
	}
}
