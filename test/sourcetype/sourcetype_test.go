// SPDX-License-Identifier: Apache-2.0

// Package sourcetype_test proves that a source type is data: a template alone is enough to verify, read and map the
// events of a new sender.
package sourcetype_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// pigeonPost is the template of an imaginary sender. It is not shipped.
const pigeonPost = `
type: PigeonPost
eventType: "'track/' + body.kind"
idempotencyKey: body.ring
orderingKey: body.loft
verification: {scheme: hmac, header: x-signature, algorithm: SHA1, encoding: Hex}
mappings:
  - {name: arrived, event: track/arrived, action: triggerWorkflow, parameters: {workflow: arrived, recipients: body.loft}}
`

const (
	key  = "signing key"
	body = `{"kind":"arrived","ring":"r-1","loft":"u_481"}`
)

func TestATemplateAloneMakesASourceType(t *testing.T) {
	base, err := template.Parse([]byte(pigeonPost))
	if err != nil {
		t.Fatal(err)
	}
	result := compile.WithTemplate(base, source(t, `
type: PigeonPost
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {secretRef: {name: pigeon-post, key: signingKey}}`), nil)
	if len(result.Problems) > 0 {
		t.Fatal(result.Problems)
	}
	var accepted []*event.Event
	url := serve(t, result, func(_ context.Context, events []*event.Event) ([]inbox.Receipt, error) {
		accepted = append(accepted, events...)
		return make([]inbox.Receipt, len(events)), nil
	})

	if status := post(t, url, sign("another key", body)); status != http.StatusUnauthorized {
		t.Errorf("a request with a wrong signature: status %d, want 401", status)
	}
	if status := post(t, url, sign(key, body)); status != http.StatusOK {
		t.Errorf("a signed request: status %d, want 200", status)
	}
	if len(accepted) != 1 {
		t.Fatalf("%d events were accepted, want 1", len(accepted))
	}
	if e := accepted[0]; e.Type != "track/arrived" || e.Key != "r-1" || e.OrderingKey == "" {
		t.Errorf("the event was read as type %q, idempotency key %q, ordering key %q", e.Type, e.Key, e.OrderingKey)
	}
	if actions := result.Program.Plan(accepted[0]).Actions; len(actions) != 1 || actions[0].Name != "triggerWorkflow" {
		t.Errorf("the actions are %+v, want the template's triggerWorkflow", actions)
	}
}

func TestASourceCanReplaceTheVerificationOfItsTemplate(t *testing.T) {
	base, err := template.Parse([]byte(pigeonPost))
	if err != nil {
		t.Fatal(err)
	}
	result := compile.WithTemplate(base, source(t, `
type: PigeonPost
knock: {apiKeySecretRef: {name: knock, key: apiKey}}
verification: {headerSecret: {name: X-Key, secretRef: {name: pigeon-post, key: secret}}}`), nil)
	want := document.Verification{Scheme: document.SchemeHeader, Header: "x-key", Enforce: true}
	if got := result.Document.Verification; got == nil || *got != want {
		t.Errorf("verification %+v, want %+v", got, want)
	}
}

func source(t *testing.T, spec string) *v1alpha1.Source {
	t.Helper()
	source := &v1alpha1.Source{}
	source.Namespace, source.Name = "production", "pigeons"
	if err := yaml.UnmarshalStrict([]byte(spec), &source.Spec); err != nil {
		t.Fatal(err)
	}
	return source
}

// serve starts a receiver for a compiled Source and returns the ingestion URL.
func serve(t *testing.T, result compile.Result, accept func(context.Context, []*event.Event) ([]inbox.Receipt, error)) string {
	t.Helper()
	r := receiver.New(receiver.Options{})
	r.SetEndpoints([]*receiver.Endpoint{{
		Namespace: result.Document.Namespace, Name: result.Document.Name, Tokens: []string{"token"},
		Verification: result.Document.Verification, Secrets: []string{key},
		Identify: func(e *event.Event, members *rawjson.Index) { _ = result.Program.Identify(e, members) }, ReadsHeader: result.Program.ReadsHeader, Accept: accept,
	}})
	server := httptest.NewServer(r.Server().Handler)
	t.Cleanup(server.Close)
	return server.URL + "/production/pigeons/token"
}

// post sends the body with a signature and returns the status of the response.
func post(t *testing.T, url, signature string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Signature", signature)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// sign returns the HMAC-SHA1 of a text in hex.
func sign(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
