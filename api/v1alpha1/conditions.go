// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types. Ready is always there; Reconciling and Stalled only while they hold, as kstatus reads them: Reconciling
// for what passes by itself, Stalled for what needs somebody.
const (
	// ConditionReady says whether the resource does its work. It sums up the others.
	ConditionReady = "Ready"
	// ConditionReconciling says that the resource is on its way to Ready.
	ConditionReconciling = "Reconciling"
	// ConditionStalled says that the resource will not become Ready until somebody changes something.
	ConditionStalled = "Stalled"

	// ConditionConfigurationValid says whether the Source's own fields fit together and compile. False leaves the last good
	// configuration running.
	ConditionConfigurationValid = "ConfigurationValid"
	// ConditionMappingsAccepted says whether every ActionMapping of a Source runs. False leaves the Source Ready: the
	// accepted ones keep running.
	ConditionMappingsAccepted = "MappingsAccepted"
	// ConditionEndpointReady says whether the URL is made, and its route accepted where that can be seen.
	ConditionEndpointReady = "EndpointReady"
	// ConditionRedisReady says whether Redis is there and keeps what it acknowledges.
	ConditionRedisReady = "RedisReady"
	// ConditionIngestReady says whether enough pods take events and run the current configuration.
	ConditionIngestReady = "IngestReady"
	// ConditionKnockReachable says what the pods' latest calls to Knock came to; Unknown before the first call.
	ConditionKnockReachable = "KnockReachable"
)

// The reasons that several conditions share.
const (
	// ReasonSucceeded is the reason of a condition that is as it should be.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing is the reason of what passes by itself, such as a rollout.
	ReasonProgressing = "Progressing"
	// ReasonSecretNotFound means that a Secret, or the key in it, does not exist, or that the key is empty. It heals when
	// the Secret appears.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonNameConflict means that an object of a name that Doorbell needs exists and is not Doorbell's. It is left alone:
	// delete or rename it, or choose another name for the Source.
	ReasonNameConflict = "NameConflict"
	// ReasonRefused means that the API server refuses an object that Doorbell renders; the message is the server's.
	ReasonRefused = "Refused"
)

// The reasons of a Source's conditions.
const (
	// ReasonInvalidSpec means that fields do not fit together.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonConfigurationTooLarge means that the compiled configuration does not fit into the ConfigMaps that carry it.
	ReasonConfigurationTooLarge = "ConfigurationTooLarge"
	// ReasonMappingsRejected means that one or more ActionMappings of the Source are refused.
	ReasonMappingsRejected = "MappingsRejected"
	// ReasonSuspended means that spec.delivery.suspend holds deliveries back; events are still taken.
	ReasonSuspended = "Suspended"

	// ReasonInvalidToken means that the Secret of spec.endpoint.token holds no usable token.
	ReasonInvalidToken = "InvalidToken"
	// ReasonGatewayAPINotInstalled means that spec.endpoint.httpRoute is given and the cluster has no HTTPRoute.
	ReasonGatewayAPINotInstalled = "GatewayAPINotInstalled"

	// ReasonRedisUnavailable means that pods cannot reach Redis; senders hear 429 meanwhile.
	ReasonRedisUnavailable = "Unavailable"
	// ReasonNotDurable means that Redis may lose what it acknowledged: no append-only file, or an evicting policy. It is used
	// all the same.
	ReasonNotDurable = "NotDurable"

	// ReasonPodsNotReady means that too few pods can take events; the message says what they wait for.
	ReasonPodsNotReady = "PodsNotReady"
	// ReasonConfigurationPending means that pods do not run the current configuration yet.
	ReasonConfigurationPending = "ConfigurationPending"
	// ReasonScaledToZero means that spec.ingest.replicas is 0: nothing takes events.
	ReasonScaledToZero = "ScaledToZero"

	// ReasonNotCalled means that no pod has called Knock yet.
	ReasonNotCalled = "NotCalled"
	// ReasonUnauthorized means that Knock refuses the API key. Deliveries wait, and nothing is lost.
	ReasonUnauthorized = "Unauthorized"
	// ReasonRateLimited means that Knock answers 429; deliveries slow down.
	ReasonRateLimited = "RateLimited"
	// ReasonUnreachable means that Knock does not answer, or answers 5xx; deliveries are retried.
	ReasonUnreachable = "Unreachable"
)

// The reasons of an ActionMapping's conditions.
const (
	// ReasonAccepted means that every pod runs the mapping.
	ReasonAccepted = "Accepted"
	// ReasonInactive means that a mapping is accepted but switched off by spec.active.
	ReasonInactive = "Inactive"
	// ReasonSourceNotFound means that the Source of a mapping does not exist. It heals when the Source appears.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSourceNotReady means that the mapping is well, and its Source has no pods that run it.
	ReasonSourceNotReady = "SourceNotReady"
	// ReasonInvalidExpression means that an expression does not compile; the message says where, and what was expected.
	ReasonInvalidExpression = "InvalidExpression"
	// ReasonDuplicate means that an older mapping does the same for the same events; this one does not run.
	ReasonDuplicate = "Duplicate"
)

// The annotations that Doorbell understands, and the labels that its objects carry besides the recommended ones.
const (
	// AnnotationRotateToken rotates the token of a Source's URL whenever its value changes; a date makes a good value.
	AnnotationRotateToken = "doorbell.dev/rotate-token" //nolint:gosec // a name
	// LabelSource names the Source that an object belongs to.
	LabelSource = "doorbell.dev/source"
)
