// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds Doorbell's resources: a Source receives events, an ActionMapping turns an event into a call to
// Knock. The comments on the fields are what `kubectl explain` shows.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +groupName=doorbell.dev
package v1alpha1
