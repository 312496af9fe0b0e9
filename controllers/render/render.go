// SPDX-License-Identifier: Apache-2.0

// Package render turns a Source into the objects that it owns. It is pure: no client, no clock, no environment. It gives apply
// configurations, so that what is left out stays with whoever else sets it.
package render

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

// Input is everything that rendering knows.
type Input struct {
	Source *v1alpha1.Source
	// Image is the operator's own, for ingest unless the Source names another.
	Image  string
	Bundle document.Bundle
	Tokens Tokens
	Redis  RedisCredentials
	// GatewayAPI says whether the cluster has HTTPRoutes.
	GatewayAPI bool
}

// Tokens are the secret last parts of the URL.
type Tokens struct {
	// Current and Previous are valid; Previous is empty unless a rotation is under way.
	Current, Previous string
	// PreviousUntil is when Previous ends.
	PreviousUntil time.Time
	// Shown is the token of the URL that people are given; empty renders no Secret for them.
	Shown string
	// Published says that people have seen Current: its disappearance from their Secret asks for another.
	Published bool
	// Rotation is the value of AnnotationRotateToken that Current answers to.
	Rotation string
}

// RedisCredentials are those of the managed Redis.
type RedisCredentials struct {
	Username, Password string
}

// Source renders everything that a Source owns: Redis first, then what pods mount, the pods, and the way to them.
func Source(in Input) []runtime.ApplyConfiguration {
	r := renderer{Input: in, spec: &in.Source.Spec}
	return slices.Concat(r.redis(), r.mounted(), r.pods(), r.network())
}

// renderer renders one Source.
type renderer struct {
	Input
	spec *v1alpha1.SourceSpec
}

// mounted is what the pods mount.
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

// pods is what runs them and bounds how many there are.
func (r *renderer) pods() []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{r.deployment()}
	if r.spec.Ingest.Autoscaling != nil {
		objects = append(objects, r.autoscaler())
	}
	if r.fewestPods() >= 2 {
		objects = append(objects, r.budget())
	}
	return objects
}

// network is the way to them.
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
