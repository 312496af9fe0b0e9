// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 defines Doorbell's resources: a Source receives events, and an ActionMapping turns events of one type
// into calls to Knock. Operator, command line and other clients import it. The comments on the fields are what
// `kubectl explain` and docs/reference.md show. The package contains types and validation markers only, never logic.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +groupName=doorbell.dev
package v1alpha1
