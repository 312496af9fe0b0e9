// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types. Ready is always there; Reconciling and Stalled only while they hold.
const (
	// ConditionReady says whether the resource does its work.
	ConditionReady = "Ready"
	// ConditionReconciling says that the resource is on its way to Ready.
	ConditionReconciling = "Reconciling"
	// ConditionStalled says that only an edit helps.
	ConditionStalled = "Stalled"
	// ConditionMappingsAccepted says whether every ActionMapping of a Source runs. False leaves the Source Ready: the
	// accepted ones keep running.
	ConditionMappingsAccepted = "MappingsAccepted"
)

// The reasons of conditions.
const (
	// ReasonSucceeded is the reason of a condition that is as it should be.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing is the reason of Reconciling, and of Ready until it is done.
	ReasonProgressing = "Progressing"
	// ReasonInvalidExpression means that an expression does not compile; the message says where.
	ReasonInvalidExpression = "InvalidExpression"
	// ReasonInvalidSpec means that fields do not fit together.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonInactive means that a mapping is accepted but switched off by spec.active.
	ReasonInactive = "Inactive"
	// ReasonMappingsRejected means that one or more ActionMappings of the Source are refused.
	ReasonMappingsRejected = "MappingsRejected"
	// ReasonSourceNotFound means that the Source of a mapping does not exist.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSecretNotFound means that a Secret, or the key in it, does not exist.
	ReasonSecretNotFound = "SecretNotFound"
)
