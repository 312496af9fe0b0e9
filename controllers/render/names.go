// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// The components of a Source, for the label app.kubernetes.io/component.
const (
	ComponentIngest   = "ingest"
	ComponentRedis    = "redis"
	ComponentEndpoint = "endpoint"
)

const (
	// LabelManagedBy with the value ManagedBy marks all of Doorbell's objects; the operator's cache holds no others.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "doorbell"
	// AnnotationConfiguration is set on pods when what they mount has changed, so that kubelet refreshes it at once.
	AnnotationConfiguration = "doorbell.dev/configuration"
	// AnnotationPublished marks the tokens' Secret once the endpoint's Secret shows the current token.
	AnnotationPublished = "doorbell.dev/published"
)

const (
	// RedisPort is the port of the managed Redis.
	RedisPort = 6379
	// servicePort is the port of the Service in front of the ingest pods.
	servicePort = 80
)

// The keys of the Secrets that Doorbell writes; layout names the keys of the tokens' Secret.
const (
	// EndpointTokenKey and EndpointURLKey are the keys of the Secret that shows the ingestion URL to users.
	EndpointTokenKey = "token"
	EndpointURLKey   = "url"
	// RedisUsernameKey and RedisPasswordKey are the keys of the managed Redis's credentials.
	RedisUsernameKey = "username"
	RedisPasswordKey = "password"
)

// IngestName names the Deployment, Service and everything else around the ingest pods.
func IngestName(source *v1alpha1.Source) string { return source.Name + "-ingest" }

// RedisName names the managed Redis's objects.
func RedisName(source *v1alpha1.Source) string { return source.Name + "-redis" }

// EndpointSecretName names the Secret that holds the whole URL, for people.
func EndpointSecretName(source *v1alpha1.Source) string { return source.Name + "-endpoint" }

// TokensSecretName names the Secret that holds the valid tokens, for the pods.
func TokensSecretName(source *v1alpha1.Source) string { return source.Name + "-tokens" }

// DocumentName names the ConfigMap with that part of the compiled document.
func DocumentName(source *v1alpha1.Source, part int) string {
	return fmt.Sprintf("%s-document-%d", source.Name, part)
}

// Selector selects the pods of a component.
func Selector(source *v1alpha1.Source, component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": "doorbell", "app.kubernetes.io/instance": source.Name,
		"app.kubernetes.io/component": component, LabelManagedBy: ManagedBy,
	}
}

// Labels are the recommended labels, and the one that names the Source.
func Labels(source *v1alpha1.Source, component string) map[string]string {
	labels := Selector(source, component)
	labels["app.kubernetes.io/part-of"] = "doorbell"
	labels[v1alpha1.LabelSource] = source.Name
	return labels
}

// merged returns the user's entries with ours over them.
func merged(users, ours map[string]string) map[string]string {
	all := maps.Clone(users)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, ours)
	return all
}
