// SPDX-License-Identifier: Apache-2.0

package source

import (
	"regexp"
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// defaultOverlap is the schema's, for Sources made before the field was.
const defaultOverlap = 24 * time.Hour

// tokens says which tokens are valid and which is shown. A new one is shown only when every ready pod takes it: until then a
// sender that used it would hear 404, which RudderStack does not retry.
type tokens struct {
	current, previous string
	until             time.Time // when previous ends
	rotation          string    // the value of the annotation that current answers to
	shown             string    // in the endpoint's Secret; empty leaves it absent
	published         bool      // the endpoint's Secret was seen to show current
}

func (t tokens) rendered() render.Tokens {
	return render.Tokens{Current: t.current, Previous: t.previous, PreviousUntil: t.until, Shown: t.shown, Published: t.published, Rotation: t.rotation}
}

// nextTokens works out the tokens from what the two Secrets hold. NAME-tokens is what pods take, and decides; NAME-endpoint
// follows.
func (w *world) nextTokens(fresh func() string) tokens {
	next, shown := w.storedTokens()
	rotation := w.source.Annotations[v1alpha1.AnnotationRotateToken]
	wanted := next.current
	switch provided := w.providedToken(); {
	case provided != "":
		wanted = provided
	case next.current == "" && validToken(shown):
		wanted = shown // NAME-tokens was deleted
	case next.current == "":
		wanted = fresh()
	case rotation != next.rotation && rotation != "":
		wanted = fresh()
	case next.published && w.secrets.endpoint == nil:
		wanted = fresh() // NAME-endpoint was deleted: that asks for another token
	}
	if next.current != "" && wanted != next.current {
		if shown == next.current || next.published { // else it was never given to anybody, and the one before goes on
			next.previous, next.until = next.current, w.now.Add(overlap(w.source)).Truncate(time.Second)
		}
	}
	next.current, next.rotation = wanted, rotation
	if next.previous == next.current || !w.now.Before(next.until) {
		next.previous, next.until = "", time.Time{}
	}
	next.shown = next.current
	if !w.podsTake(next.current) {
		next.shown = ""
		if shown == next.current || shown == next.previous && shown != "" {
			next.shown = shown
		}
	}
	next.published = next.shown == next.current && shown == next.current
	return next
}

// storedTokens reads NAME-tokens, and what NAME-endpoint shows.
func (w *world) storedTokens() (stored tokens, shown string) {
	if secret := w.secrets.endpoint; secret != nil {
		shown = string(secret.Data[render.EndpointTokenKey])
	}
	secret := w.secrets.tokens
	if secret == nil {
		return tokens{}, shown
	}
	stored = tokens{
		current: string(secret.Data[layout.CurrentTokenKey]), previous: string(secret.Data[layout.PreviousTokenKey]),
		rotation: secret.Annotations[v1alpha1.AnnotationRotateToken], published: secret.Annotations[render.AnnotationPublished] == "true",
	}
	if !validToken(stored.current) {
		stored.current = ""
	}
	if until, err := time.Parse(time.RFC3339, string(secret.Data[layout.PreviousUntilKey])); err == nil && validToken(stored.previous) {
		stored.until = until
	} else {
		stored.previous = ""
	}
	return stored, shown
}

// providedToken is the user's own; one that cannot be used is a problem, and the former goes on.
func (w *world) providedToken() string {
	if w.secrets.token == "" {
		return ""
	}
	if validToken(w.secrets.token) {
		return w.secrets.token
	}
	w.problems = append(w.problems, &condition.Problem{
		Type: v1alpha1.ConditionEndpointReady, Reason: v1alpha1.ReasonInvalidToken, Stalled: true,
		Message: "spec.endpoint.token.secretRef: a token is 22 to 128 letters, digits, - and _; `openssl rand -hex 16` makes one",
	})
	return ""
}

func overlap(source *v1alpha1.Source) time.Duration {
	if given := source.Spec.Endpoint.Token.Overlap; given != nil {
		return given.Duration
	}
	return defaultOverlap
}

// podsTake says whether every ready pod reports that it takes the token.
func (w *world) podsTake(token string) bool {
	hash := report.TokenHash(token)
	for _, pod := range w.pods {
		if pod.ingest() && pod.ready && (pod.report == nil || !slices.Contains(pod.report.Configuration.TokenHashes, hash)) {
			return false
		}
	}
	return true
}

func validToken(token string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{22,128}$`).MatchString(token)
}
