// SPDX-License-Identifier: Apache-2.0

// Package layout is the contract between an ingest pod and the operator that renders it: the directories and files that the pod
// reads, the keys under which ConfigMaps carry the compiled document, and the ports that the pod opens. The operator, the ingest
// process and the tests use these names instead of spelling them again. The package holds constants only and imports nothing but
// the standard library, so that both planes can use it.
//
// The Secrets that fill the secret files are listed in controllers/podsecrets.
package layout

import "fmt"

// The directories that are mounted into an ingest pod.
const (
	// ConfigDirectory holds the compiled document, the tokens and the secrets. Kubelet replaces its whole content at once.
	ConfigDirectory = "/etc/doorbell"
	// CADirectory holds the certificate authorities of spec.ingest.caBundle. It is mounted only if the Source has one.
	CADirectory = "/etc/doorbell-ca"
)

// The names of the mounted volumes.
const (
	ConfigVolume = "configuration"
	CAVolume     = "ca"
)

// The files of the compiled document, relative to ConfigDirectory; PartFile names the others.
const (
	// ManifestFile lists the parts of the document. The process uses it to detect that it has every part of one version.
	ManifestFile = "document/" + ManifestKey
)

// The files with secrets, relative to ConfigDirectory. Every one of them can be missing; the process waits for the ones that it
// needs.
const (
	// CurrentTokenFile holds the token of the ingestion URL.
	CurrentTokenFile = "tokens/" + CurrentTokenKey
	// PreviousTokenFile holds the token that a rotation replaced. It is valid until the time in PreviousUntilFile.
	PreviousTokenFile = "tokens/" + PreviousTokenKey
	// PreviousUntilFile holds the time, in RFC 3339, at which the previous token expires.
	PreviousUntilFile = "tokens/" + PreviousUntilKey
	// APIKeyFile holds the secret API key of the Knock environment.
	APIKeyFile = "knock/apiKey"
	// VerificationFile holds the secret with which senders prove who they are.
	VerificationFile = "verification/secret"
	// RedisUsernameFile and RedisPasswordFile hold the credentials of Redis.
	RedisUsernameFile = "redis/username"
	RedisPasswordFile = "redis/password"
	// RedisCAFile holds the certificate authorities, in PEM, that sign the certificate of Redis.
	RedisCAFile = "redis/ca.crt"
)

// CAFile is the only file in CADirectory: certificate authorities in PEM.
const CAFile = "ca.crt"

// The keys of the ConfigMaps and Secrets that Doorbell itself writes and mounts; PartKey names the others.
const (
	ManifestKey      = "manifest.json"
	CurrentTokenKey  = "current"
	PreviousTokenKey = "previous"
	PreviousUntilKey = "previousUntil"
)

// MaxBody is the size in bytes of the largest request body that the ingest container accepts. What forwards requests to it must
// accept as much: RudderStack drops an event that gets status 413.
const MaxBody = 25 << 20

// The ports of the ingest container, and their names.
const (
	// EventsPort receives the requests of senders.
	EventsPort     = 8080
	EventsPortName = "http"
	// AdminPort serves /healthz, /readyz, /metrics and /status.
	AdminPort     = 9090
	AdminPortName = "admin"
)

// The paths that the admin port serves.
const (
	HealthPath  = "/healthz"
	ReadyPath   = "/readyz"
	MetricsPath = "/metrics"
	StatusPath  = "/status"
)

// PartKey returns the key of a part of the compiled document in its ConfigMap. The first part is number 0.
func PartKey(number int) string { return fmt.Sprintf("part-%d", number) }

// PartFile returns the file of a part of the compiled document, relative to ConfigDirectory. The first part is number 0.
func PartFile(number int) string { return "document/" + PartKey(number) }
