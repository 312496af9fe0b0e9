// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types. Ready is always present. Reconciling and Stalled are present only while they are True, which is
// what kstatus expects: Reconciling for states that pass by themselves, Stalled for states that need a change by the user.
const (
	// ConditionReady reports whether the resource works. It summarizes the other conditions.
	ConditionReady = "Ready"
	// ConditionReconciling reports that Doorbell waits for something that needs no action by the user.
	ConditionReconciling = "Reconciling"
	// ConditionStalled reports that the resource does not become Ready until a user changes something.
	ConditionStalled = "Stalled"

	// ConditionConfigurationValid reports whether the fields of the Source are valid and its expressions compile. While it
	// is False, the last valid configuration keeps running.
	ConditionConfigurationValid = "ConfigurationValid"
	// ConditionMappingsAccepted reports whether every ActionMapping of a Source is accepted. While it is False, the Source
	// stays Ready and the accepted mappings keep running.
	ConditionMappingsAccepted = "MappingsAccepted"
	// ConditionEndpointReady reports whether the ingestion URL is published and, if the status of its route shows it,
	// whether the route is accepted.
	ConditionEndpointReady = "EndpointReady"
	// ConditionRedisReady reports whether Redis is connected and persists every write before acknowledging it.
	ConditionRedisReady = "RedisReady"
	// ConditionIngestReady reports whether enough pods accept events and run the current configuration.
	ConditionIngestReady = "IngestReady"
	// ConditionKnockReachable reports the result of the pods' most recent calls to Knock. It is Unknown before the first
	// call.
	ConditionKnockReachable = "KnockReachable"
)

// The reasons that several conditions share.
const (
	// ReasonSucceeded is the reason of a condition that reports no problem.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing is the reason of a state that passes by itself, such as a rollout.
	ReasonProgressing = "Progressing"
	// ReasonSecretNotFound means that a Secret does not exist, that it does not have the key, or that the value is empty.
	// The condition recovers when the Secret is created or corrected.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonNameConflict means that Doorbell needs an object of a certain name, and that an object of this name exists
	// which Doorbell did not create. Doorbell does not change it. To resolve the conflict, delete or rename the object, or
	// choose another name for the Source.
	ReasonNameConflict = "NameConflict"
	// ReasonApplyRejected means that the API server rejected an object that Doorbell applied. The message is the API
	// server's.
	ReasonApplyRejected = "ApplyRejected"
)

// The reasons of a Source's conditions.
const (
	// ReasonInvalidSpec means that a field of the Source is invalid, or that fields contradict each other.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonConfigurationTooLarge means that the compiled document does not fit into the ConfigMaps that carry it.
	ReasonConfigurationTooLarge = "ConfigurationTooLarge"
	// ReasonMappingsRejected means that at least one ActionMapping of the Source is rejected.
	ReasonMappingsRejected = "MappingsRejected"
	// ReasonSuspended means that spec.delivery.suspend pauses deliveries. Doorbell still accepts and stores events.
	ReasonSuspended = "Suspended"

	// ReasonInvalidToken means that the Secret of spec.endpoint.token contains no valid token.
	ReasonInvalidToken = "InvalidToken"
	// ReasonGatewayAPINotInstalled means that spec.endpoint.httpRoute is set but the cluster has no HTTPRoute resource.
	ReasonGatewayAPINotInstalled = "GatewayAPINotInstalled"

	// ReasonRedisUnavailable means that pods cannot reach Redis. Senders receive status 429 until they can.
	ReasonRedisUnavailable = "Unavailable"
	// ReasonNotDurable means that Redis may lose writes that it acknowledged, because it has no append-only file or evicts
	// keys. Doorbell uses it nevertheless.
	ReasonNotDurable = "NotDurable"

	// ReasonPodsNotReady means that too few pods can accept events. The message says what they wait for.
	ReasonPodsNotReady = "PodsNotReady"
	// ReasonConfigurationPending means that not every pod runs the current configuration yet.
	ReasonConfigurationPending = "ConfigurationPending"
	// ReasonScaledToZero means that spec.ingest.replicas is 0, so that no pod accepts events.
	ReasonScaledToZero = "ScaledToZero"

	// ReasonNotCalled means that no pod has called Knock yet.
	ReasonNotCalled = "NotCalled"
	// ReasonUnauthorized means that Knock rejects the API key. Doorbell pauses deliveries and keeps all events.
	ReasonUnauthorized = "Unauthorized"
	// ReasonRateLimited means that Knock responds with status 429. Doorbell slows down deliveries.
	ReasonRateLimited = "RateLimited"
	// ReasonUnreachable means that Knock does not respond, or responds with a status of 500 or above. Doorbell retries.
	ReasonUnreachable = "Unreachable"
)

// The reasons of an ActionMapping's conditions.
const (
	// ReasonAccepted means that every pod runs the mapping.
	ReasonAccepted = "Accepted"
	// ReasonInactive means that the mapping is valid, but that spec.active is false.
	ReasonInactive = "Inactive"
	// ReasonSourceNotFound means that the Source of the mapping does not exist. The condition recovers when the Source is
	// created.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSourceNotReady means that the mapping is valid, but that its Source has no pods that run it.
	ReasonSourceNotReady = "SourceNotReady"
	// ReasonInvalidExpression means that an expression does not compile. The message says where and why.
	ReasonInvalidExpression = "InvalidExpression"
	// ReasonDuplicate means that an older mapping makes the same calls for the same events. Doorbell does not run this one.
	ReasonDuplicate = "Duplicate"
)

// The annotations that Doorbell reads, and the labels that it adds to its objects besides the recommended ones.
const (
	// AnnotationRotateToken rotates the token of a Source's ingestion URL whenever its value changes. A date is a good
	// value.
	AnnotationRotateToken = "doorbell.dev/rotate-token" //nolint:gosec // this is the name of an annotation
	// LabelSource is the name of the Source that an object belongs to.
	LabelSource = "doorbell.dev/source"
)
