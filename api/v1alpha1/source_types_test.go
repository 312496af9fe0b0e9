// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const minimalSource = `
apiVersion: doorbell.dev/v1alpha1
kind: Source
metadata: {name: rudderstack, namespace: production}
spec:
  type: RudderStack
  knock: {apiKeySecretRef: {name: knock, key: apiKey}}
`

func TestAMinimalSourceGetsTheDefaultsOfTheSchema(t *testing.T) {
	source := object(t, minimalSource)
	if errs := kinds(t)["Source"].admit(t, source); len(errs) > 0 {
		t.Fatal(errs)
	}
	want := object(t, `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: https://api.knock.app}
eventMatching: Normalized
idempotency: {mode: Enabled, window: 24h}
delivery: {concurrency: 64, timeout: 10s, retryFor: 24h}
eventLog: {maxEvents: 10000, retention: 168h, payloads: Stored}
endpoint: {onDelete: Retain, token: {overlap: 24h}}
`)
	if diff := cmp.Diff(want, source["spec"]); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestValidSourcesAreAdmitted(t *testing.T) {
	sources := kinds(t)["Source"]
	for name, spec := range map[string]string{
		"Custom with its expressions": `
type: Custom
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
eventType: body.type
timestamp: body.at
idempotency: {key: "headers['x-id']"}
ordering: {key: body.user.id}`,
		"every field": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock.eu, key: api_key-1.txt}, baseURL: "http://127.0.0.1:4010/", branch: feature-x}
eventType: body.type
timestamp: body.timestamp
eventMatching: Exact
idempotency: {key: body.messageId, mode: Disabled, window: 720h}
ordering: {key: body.userId}
preprocess: [{name: user, value: body.userId}, {name: _plan2, value: preprocess.user}]
verification: {hmac: {header: X-Signature, encoding: Base64, prefix: sha256=, secretRef: {name: s, key: k}}, enforce: false}
defaultMappings: [identify-user]
delivery: {concurrency: 1, timeout: 1s, retryFor: 0s, suspend: true, rateLimits: {bulkIdentify: 1, triggerWorkflow: 1000}}
eventLog: {maxEvents: 0, retention: 2160h, payloads: Omitted, redact: [body, body.traits.email, body.context.x-ip]}`,
		"no default mappings": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
defaultMappings: []`,
		"durations in the format of Go": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
idempotency: {window: 1h30m0s}
delivery: {timeout: 1.5s, retryFor: 500ms}
eventLog: {retention: 168h0m0s}`,
		"a header with a secret": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {headerSecret: {name: X-Doorbell-Secret, secretRef: {name: rudderstack, key: secret}}}`,
		"basic authentication": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {basic: {secretRef: {name: rudderstack, key: userinfo}}}`,
		"a secret for the scheme of the template": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {secretRef: {name: rudderstack, key: secret}}`,
		"a signature that covers a timestamp": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification:
  hmac:
    header: X-Signature
    algorithm: SHA512
    signed: "{timestamp}.{body}"
    timestampHeader: X-Timestamp
    secretRef: {name: s, key: k}`,
		"a bearer token": `
type: RudderStack
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {bearer: {secretRef: {name: rudderstack, key: token}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if errs := sources.admit(t, source(t, spec)); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

func TestInvalidSourcesAreRejected(t *testing.T) {
	const (
		knock  = "knock: {apiKeySecretRef: {name: knock, key: apiKey}}\n"
		valid  = "type: RudderStack\n" + knock
		secret = "secretRef: {name: s, key: k}"
	)
	sources := kinds(t)["Source"]
	for name, test := range map[string]struct {
		spec string
		want string
	}{
		"no type":    {knock, "spec.type: Required value"},
		"no Knock":   {"type: RudderStack\n", "spec.knock: Required value"},
		"no API key": {"type: RudderStack\nknock: {}\n", "spec.knock.apiKeySecretRef: Required value"},
		"a misspelt field": {
			valid + "eventLogs: {maxEvents: 1}", "spec.eventLogs: unknown field",
		},
		"Custom without an event type": {
			"type: Custom\n" + knock,
			"spec.eventType: type Custom requires eventType: the expression that yields the type of an event, such as body.type",
		},
		"an empty event type": {
			"type: Custom\neventType: ''\n" + knock,
			"spec.eventType: spec.eventType in body should be at least 1 chars long",
		},
		"an expression that is too long": {
			valid + "timestamp: " + strings.Repeat("x", 4097), "spec.timestamp: may not be more than 4096 bytes",
		},
		"a Secret's name in capitals": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: Knock, key: apiKey}}",
			"spec.knock.apiKeySecretRef.name: invalid Secret name: use lower-case letters, digits, - and ., starting and ending with a letter or digit",
		},
		"a Secret's key with a slash": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: api/key}}",
			"spec.knock.apiKeySecretRef.key: invalid key: use only letters, digits, -, _ and .",
		},
		"a base URL with /v1": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: 'https://api.knock.app/v1/'}",
			"spec.knock.baseURL: remove /v1, because Doorbell adds it: write https://api.knock.app",
		},
		"a base URL without a scheme": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: api.knock.app}",
			"spec.knock.baseURL: invalid URL: use http or https, without user, query or fragment, such as https://api.knock.app",
		},
		"a base URL with another scheme": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: 'ftp://api.knock.app'}",
			"spec.knock.baseURL: invalid URL: use http or https, without user, query or fragment, such as https://api.knock.app",
		},
		"a base URL without a host": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: 'https:///path'}",
			"spec.knock.baseURL: invalid URL: use http or https, without user, query or fragment, such as https://api.knock.app",
		},
		"a base URL with a password": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: 'https://a:b@knock.app'}",
			"spec.knock.baseURL: invalid URL: use http or https, without user, query or fragment, such as https://api.knock.app",
		},
		"a branch with a line break": {
			"type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}, branch: \"a\\nb\"}",
			"spec.knock.branch: invalid branch: use the slug of the branch, which contains only ASCII characters and no spaces",
		},
		"an unknown eventMatching": {
			valid + "eventMatching: Fuzzy", `spec.eventMatching: supported values: "Normalized", "Exact"`,
		},
		"an unknown idempotency mode": {
			valid + "idempotency: {mode: Sometimes}", `spec.idempotency.mode: supported values: "Enabled", "Disabled"`,
		},
		"a window of 31 days": {
			valid + "idempotency: {window: 744h}",
			"spec.idempotency.window: invalid duration: use a value from 1s to 720h, such as 24h",
		},
		"a window of 0s": {
			valid + "idempotency: {window: 0s}",
			"spec.idempotency.window: invalid duration: use a value from 1s to 720h, such as 24h",
		},
		"a window in days": {
			valid + "idempotency: {window: 1d}",
			"spec.idempotency.window: invalid duration: use a value from 1s to 720h, such as 24h",
		},
		"a window that overflows": {
			valid + "idempotency: {window: 999999h9999999m999999999s}",
			"spec.idempotency.window: invalid duration: use a value from 1s to 720h, such as 24h",
		},
		"an empty window": {
			valid + "idempotency: {window: ''}",
			"spec.idempotency.window: invalid duration: use a value from 1s to 720h, such as 24h",
		},
		"a timeout of two minutes": {
			valid + "delivery: {timeout: 2m}", "spec.delivery.timeout: invalid duration: use a value from 1s to 60s, such as 10s",
		},
		"a timeout below 1s": {
			valid + "delivery: {timeout: 999ms}", "spec.delivery.timeout: invalid duration: use a value from 1s to 60s, such as 10s",
		},
		"a negative retryFor": {
			valid + "delivery: {retryFor: -1h}", "spec.delivery.retryFor: invalid duration: use a value from 0s to 720h, such as 24h",
		},
		"a retryFor of more than 30 days": {
			valid + "delivery: {retryFor: 720h1s}", "spec.delivery.retryFor: invalid duration: use a value from 0s to 720h, such as 24h",
		},
		"a retention of more than 90 days": {
			valid + "eventLog: {retention: 2161h}",
			"spec.eventLog.retention: invalid duration: use a value from 1s to 2160h, such as 168h",
		},
		"ordering without a key": {
			valid + "ordering: {}", "spec.ordering: spec.ordering in body should have at least 1 properties",
		},
		"a concurrency of 0": {
			valid + "delivery: {concurrency: 0}",
			"spec.delivery.concurrency: spec.delivery.concurrency in body should be greater than or equal to 1",
		},
		"a concurrency above the maximum": {
			valid + "delivery: {concurrency: 1025}",
			"spec.delivery.concurrency: spec.delivery.concurrency in body should be less than or equal to 1024",
		},
		"a rate limit for an unknown action": {
			valid + "delivery: {rateLimits: {identify: 5}}",
			"spec.delivery.rateLimits: unknown action: use identifyUser, deleteUser, mergeUser, setObject, deleteObject, " +
				"setTenant, deleteTenant, subscribe, unsubscribe, addAudienceMember, removeAudienceMember, cancelWorkflow, " +
				"triggerWorkflow or bulkIdentify",
		},
		"a rate limit of 0": {
			valid + "delivery: {rateLimits: {identifyUser: 0}}",
			"spec.delivery.rateLimits: a rate limit must be at least 1 call per second: to pause deliveries, set delivery.suspend",
		},
		"too many events in the log": {
			valid + "eventLog: {maxEvents: 1000001}",
			"spec.eventLog.maxEvents: spec.eventLog.maxEvents in body should be less than or equal to 1000000",
		},
		"a negative number of events in the log": {
			valid + "eventLog: {maxEvents: -1}",
			"spec.eventLog.maxEvents: spec.eventLog.maxEvents in body should be greater than or equal to 0",
		},
		"an unknown payload policy": {
			valid + "eventLog: {payloads: Hashed}", `spec.eventLog.payloads: supported values: "Stored", "Omitted"`,
		},
		"redact with a path into the headers": {
			valid + "eventLog: {redact: [body.a, headers.x]}",
			"spec.eventLog.redact[1]: invalid path: it must start with body, such as body.traits.email",
		},
		"redact with the same path twice": {valid + "eventLog: {redact: [body.a, body.a]}", "spec.eventLog.redact[1]: Duplicate value"},
		"two preprocess steps with the same name": {
			valid + "preprocess: [{name: a, value: body.x}, {name: a, value: body.y}]", "spec.preprocess[1]: Duplicate value",
		},
		"a preprocess name with a hyphen": {
			valid + "preprocess: [{name: a-b, value: body.x}]",
			"spec.preprocess[0].name: invalid name: use only letters, digits and _, and do not start with a digit",
		},
		"a preprocess step without a value": {
			valid + "preprocess: [{name: a}]", "spec.preprocess[0].value: Required value",
		},
		"a default mapping without a name": {
			valid + "defaultMappings: ['']",
			"spec.defaultMappings[0]: spec.defaultMappings[0] in body should be at least 1 chars long",
		},
		"verification without a scheme": {
			valid + "verification: {enforce: false}",
			"spec.verification: exactly one of the fields in [secretRef headerSecret basic bearer hmac] must be set",
		},
		"verification with two schemes": {
			valid + "verification: {basic: {" + secret + "}, bearer: {" + secret + "}}",
			"spec.verification: exactly one of the fields in [secretRef headerSecret basic bearer hmac] must be set",
		},
		"a header with a space": {
			valid + "verification: {headerSecret: {name: 'X Secret', " + secret + "}}",
			"spec.verification.headerSecret.name: invalid header name: use only letters, digits, -, _ and .",
		},
		"an HMAC without a header": {
			valid + "verification: {hmac: {" + secret + "}}", "spec.verification.hmac.header: Required value",
		},
		"an HMAC in an unknown encoding": {
			valid + "verification: {hmac: {header: X-S, encoding: Base32, " + secret + "}}",
			`spec.verification.hmac.encoding: supported values: "Hex", "Base64"`,
		},
		"an unknown hash function": {
			valid + "verification: {hmac: {header: X-S, algorithm: MD5, " + secret + "}}",
			`spec.verification.hmac.algorithm: supported values: "SHA1", "SHA256", "SHA512"`,
		},
		"a signature that does not cover the body": {
			valid + "verification: {hmac: {header: X-S, signed: '{timestamp}', timestampHeader: X-T, " + secret + "}}",
			"spec.verification.hmac.signed: the signature must cover the body: add {body}, as in {timestamp}.{body}",
		},
		"a signed timestamp without its header": {
			valid + "verification: {hmac: {header: X-S, signed: '{timestamp}{body}', " + secret + "}}",
			"spec.verification.hmac.timestampHeader: timestampHeader is required if signed contains {timestamp}: add the name " +
				"of the header with the timestamp, such as X-Timestamp",
		},
		"a timestamp header that is not signed": {
			valid + "verification: {hmac: {header: X-S, timestampHeader: X-T, " + secret + "}}",
			"spec.verification.hmac.timestampHeader: timestampHeader has no effect if signed does not contain {timestamp}: " +
				"remove it, or add {timestamp} to signed, such as {timestamp}.{body}",
		},
		"a verification scheme without a secretRef": {
			valid + "verification: {bearer: {}}", "spec.verification.bearer.secretRef: Required value",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rejects(t, sources, test.spec, test.want)
		})
	}
}

func TestTheNameOfASourceIsChecked(t *testing.T) {
	const invalid = "<nil>: invalid name: the names of Services and pods contain the name of the Source, so use at most 40 " +
		"lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen"
	sources := kinds(t)["Source"]
	for name, want := range map[string][]string{
		"s": nil, "rudderstack-2": nil, strings.Repeat("a", 40): nil,
		strings.Repeat("a", 41): {invalid}, "2nd": {invalid}, "a.b": {invalid}, "a-": {invalid},
	} {
		t.Run(name, func(t *testing.T) {
			named := object(t, minimalSource)
			named["metadata"] = map[string]any{"name": name}
			if diff := cmp.Diff(want, sources.admit(t, named)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// source returns a Source with the given spec.
func source(t *testing.T, spec string) map[string]any {
	t.Helper()
	return object(t, "apiVersion: doorbell.dev/v1alpha1\nkind: Source\nmetadata: {name: s}\nspec:"+indent("\n"+strings.TrimPrefix(spec, "\n")))
}

// withKnock returns the spec of a RudderStack Source, extended by the given YAML.
func withKnock(added string) string {
	return "type: RudderStack\nknock: {apiKeySecretRef: {name: knock, key: apiKey}}\n" + added
}

// admitsEach checks that a RudderStack Source is admitted with each of the additions.
func admitsEach(t *testing.T, added map[string]string) {
	t.Helper()
	sources := kinds(t)["Source"]
	for name, text := range added {
		t.Run(name, func(t *testing.T) {
			if errs := sources.admit(t, source(t, withKnock(text))); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

// rejects checks that a spec is rejected with exactly this error.
func rejects(t *testing.T, sources kind, spec, want string) {
	t.Helper()
	if diff := cmp.Diff([]string{want}, sources.admit(t, source(t, spec))); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// rejection is an invalid addition to a RudderStack Source, and the error that it causes.
type rejection struct{ added, want string }

// rejectsEach checks that each addition is rejected with its error.
func rejectsEach(t *testing.T, rejections map[string]rejection) {
	t.Helper()
	sources := kinds(t)["Source"]
	for name, test := range rejections {
		t.Run(name, func(t *testing.T) { rejects(t, sources, withKnock(test.added), test.want) })
	}
}

// indent indents every line of a YAML text, except the first, by two columns.
func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
