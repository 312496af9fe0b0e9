// SPDX-License-Identifier: Apache-2.0

// Package render turns a Source into the objects that it owns. The controller of Sources calls it with everything that the objects depend
// on. It is pure: it must not use a client, the clock or the environment. It returns apply configurations, so that fields that it leaves
// out stay as other controllers or users set them. Each rendered kind has a file of its own.
package render

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

// Input is everything that the objects depend on.
type Input struct {
	Source *v1alpha1.Source
	// Image is the image of the ingest pods, unless the Source sets its own.
	Image string
	// Bundle is the compiled document, cut into parts. It is nil if the Source does not compile; the ConfigMaps with the last valid
	// document must then stay.
	Bundle *document.Bundle
	Tokens Tokens
	Redis  RedisCredentials
	// GatewayAPI reports whether the cluster serves HTTPRoutes. Without it, no HTTPRoute is rendered.
	GatewayAPI bool
	Live       Live
}

// Live are properties of existing objects that stay as they are.
type Live struct {
	// Replicas is the number of replicas of the Deployment; nil if there is no Deployment.
	Replicas *int32
	// DeploymentVersion is the resource version of the Deployment from which Replicas was read.
	DeploymentVersion string
	// ScaledByOthers reports whether an autoscaler or a user has set that number.
	ScaledByOthers bool
	// RedisPodManagement is the policy of the StatefulSet, which the API server does not let anyone change; "" if there is no StatefulSet.
	RedisPodManagement appsv1.PodManagementPolicyType
}

// Tokens are the tokens of the ingestion URL.
type Tokens struct {
	// Current and Previous are the valid tokens. Previous is empty unless a rotation is in progress.
	Current, Previous string
	// PreviousUntil is when Previous expires.
	PreviousUntil time.Time
	// Shown is the token that the endpoint Secret shows to users. If it is empty, no endpoint Secret is rendered.
	Shown string
	// Published reports that the endpoint Secret showed Current. If a user then deletes that Secret, the token is rotated.
	Published bool
	// Rotation is the value of AnnotationRotateToken for which Current was created.
	Rotation string
}

// RedisCredentials are the credentials of the managed Redis.
type RedisCredentials struct {
	Username, Password string
}

// Source renders everything that a Source owns, in the order in which it is applied: Redis, the objects that the pods mount, the pods,
// and the network objects that route requests to them.
func Source(in Input) []runtime.ApplyConfiguration {
	r := renderer{Input: in, spec: &in.Source.Spec}
	return slices.Concat(r.redis(), r.mounted(), r.pods(), r.network())
}

// renderer renders one Source.
type renderer struct {
	Input
	spec *v1alpha1.SourceSpec
}

// mounted returns the objects that the pods mount, and the endpoint Secret.
func (r *renderer) mounted() []runtime.ApplyConfiguration {
	var objects []runtime.ApplyConfiguration
	for _, part := range r.documents() {
		objects = append(objects, part)
	}
	objects = append(objects, r.tokensSecret())
	if r.Tokens.Shown != "" {
		objects = append(objects, r.endpointSecret())
	}
	return objects
}

// pods returns the objects that run and scale the ingest pods.
func (r *renderer) pods() []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{r.deployment()}
	if r.spec.Ingest.Autoscaling != nil {
		objects = append(objects, r.autoscaler())
	}
	if r.minReplicas() >= 2 {
		objects = append(objects, r.disruptionBudget())
	}
	return objects
}

// network returns the objects that route requests to the ingest pods and restrict their connections.
func (r *renderer) network() []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{r.service(), r.networkPolicy()}
	if r.spec.Endpoint.Ingress != nil {
		objects = append(objects, r.ingress())
	}
	if r.spec.Endpoint.HTTPRoute != nil && r.GatewayAPI {
		objects = append(objects, r.httpRoute())
	}
	return objects
}
