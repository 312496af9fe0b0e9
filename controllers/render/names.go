// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// The components of a Source: the values of LabelComponent. The operator chooses by them the condition that reports on an object.
const (
	ComponentIngest   = "ingest"
	ComponentRedis    = "redis"
	ComponentEndpoint = "endpoint"
)

const (
	// LabelComponent names the component that an object belongs to.
	LabelComponent = "app.kubernetes.io/component"
	// LabelManagedBy with the value ManagedBy marks all objects that Doorbell creates. The operator's cache contains no others.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "doorbell"
	// AnnotationConfiguration is set on a pod when the content of its volumes changed, so that kubelet refreshes them at once.
	AnnotationConfiguration = "doorbell.dev/configuration"
	// AnnotationPublished is set on the Secret with the tokens once the endpoint Secret shows the current token to users.
	AnnotationPublished = "doorbell.dev/published"
)

const (
	// RedisPort is the port of the managed Redis.
	RedisPort = 6379
	// servicePort is the port of the Service in front of the ingest pods.
	servicePort = 80
)

// The keys of the Secrets that Doorbell writes. Package layout defines the keys of the Secret with the tokens.
const (
	// EndpointTokenKey and EndpointURLKey are the keys of the Secret that shows the ingestion URL to users.
	EndpointTokenKey = "token"
	EndpointURLKey   = "url"
	// RedisUsernameKey and RedisPasswordKey are the keys of the Secret with the credentials of the managed Redis.
	RedisUsernameKey = "username"
	RedisPasswordKey = "password"
)

// IngestName returns the name of the Deployment, the Service and the other objects of the ingest pods.
func IngestName(source *v1alpha1.Source) string { return source.Name + "-ingest" }

// RedisName returns the name of the objects of the managed Redis.
func RedisName(source *v1alpha1.Source) string { return source.Name + "-redis" }

// EndpointSecretName returns the name of the Secret that shows the ingestion URL to users.
func EndpointSecretName(source *v1alpha1.Source) string { return source.Name + "-endpoint" }

// TokensSecretName returns the name of the Secret that holds the valid tokens for the pods.
func TokensSecretName(source *v1alpha1.Source) string { return source.Name + "-tokens" }

// DocumentName returns the name of the ConfigMap with a part of the compiled document. The first part is number 0.
func DocumentName(source *v1alpha1.Source, part int) string {
	return fmt.Sprintf("%s-document-%d", source.Name, part)
}

// IsDocumentName reports whether a name is the DocumentName of any part.
func IsDocumentName(source *v1alpha1.Source, name string) bool {
	part, ok := strings.CutPrefix(name, source.Name+"-document-")
	number, err := strconv.Atoi(part)
	return ok && err == nil && name == DocumentName(source, number)
}

// Selector returns the labels that select the pods of a component.
func Selector(source *v1alpha1.Source, component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": "doorbell", "app.kubernetes.io/instance": source.Name,
		LabelComponent: component, LabelManagedBy: ManagedBy,
	}
}

// Labels returns the labels of an object: the recommended ones, and the one that names the Source.
func Labels(source *v1alpha1.Source, component string) map[string]string {
	labels := Selector(source, component)
	labels["app.kubernetes.io/part-of"] = "doorbell"
	labels[v1alpha1.LabelSource] = source.Name
	return labels
}

// merged returns the entries of both maps. An override replaces a base entry of the same key.
func merged(base, overrides map[string]string) map[string]string {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, overrides)
	return all
}
