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

// Token rotation
//
// The token in the ingestion URL is its only secret, and a rotation must lose no event. RudderStack does not retry a request that is
// answered with status 404, so a sender must never use a token that a pod does not accept. A rotation therefore has these steps:
//
//  1. The new token becomes current in Secret NAME-tokens, which the pods mount. The old token becomes previous: the pods accept both.
//  2. Secret NAME-endpoint, from which users copy the URL, keeps showing the old token until every ready pod reports, by its hash, that
//     it accepts the new one. Then it shows the new token.
//  3. The previous token expires after spec.endpoint.token.overlap, by when users have to have changed the URL at the sender.
//
// All state is in the two Secrets, so the operator can stop after any write and continue later. NAME-tokens decides which tokens are
// valid; NAME-endpoint follows. A token that was never shown to users has no use as a previous token: if the token changes again before
// that, the token before it stays the previous one.

// defaultOverlap is the default in the schema, for Sources that were created before the field existed.
const defaultOverlap = 24 * time.Hour

// tokens says which tokens are valid and which one users see.
type tokens struct {
	current, previous string    // previous is empty unless a rotation is in progress
	until             time.Time // when previous expires
	rotation          string    // the value of the rotation annotation for which current was created
	shown             string    // the token in NAME-endpoint; if it is empty, that Secret is not created yet
	published         bool      // NAME-endpoint was seen with the current token
}

func (t tokens) rendered() render.Tokens {
	return render.Tokens{Current: t.current, Previous: t.previous, PreviousUntil: t.until, Shown: t.shown, Published: t.published, Rotation: t.rotation}
}

// nextTokens works out the tokens from the two Secrets, the user's own token and the reports of the pods. If it needs a new token, it
// calls fresh. The problems concern the user's own token.
func (o *observed) nextTokens(fresh func() string) (tokens, []*condition.Problem) {
	next, shown := o.storedTokens()
	provided, problems := o.providedToken()
	before := next.current
	next.current = o.wantedToken(next, shown, provided, fresh)
	next.rotation = o.source.Annotations[v1alpha1.AnnotationRotateToken]
	if before != "" && next.current != before && (shown == before || next.published) {
		next.previous, next.until = before, o.now.Add(overlap(o.source)).Truncate(time.Second)
	}
	if next.previous == next.current || !o.now.Before(next.until) {
		next.previous, next.until = "", time.Time{}
	}
	next.shown = o.tokenToShow(next, shown)
	next.published = next.shown == next.current && shown == next.current
	return next, problems
}

// wantedToken returns the token that should be current: the user's own token, the stored one, or a new one if there is none or the
// user asks for a rotation. Users ask by changing the annotation, or by deleting NAME-endpoint.
func (o *observed) wantedToken(stored tokens, shown, provided string, fresh func() string) string {
	rotation := o.source.Annotations[v1alpha1.AnnotationRotateToken]
	switch {
	case provided != "":
		return provided
	case stored.current == "" && validToken(shown):
		return shown // NAME-tokens was deleted; senders still use this token
	case stored.current == "",
		rotation != "" && rotation != stored.rotation,
		stored.published && o.secrets.endpoint == nil:
		return fresh()
	default:
		return stored.current
	}
}

// tokenToShow returns the token for NAME-endpoint: the current one if every ready pod accepts it, otherwise the one that it shows already
// if that is still valid, otherwise "".
func (o *observed) tokenToShow(next tokens, shown string) string {
	switch {
	case o.podsAccept(next.current):
		return next.current
	case shown != "" && (shown == next.current || shown == next.previous):
		return shown
	default:
		return ""
	}
}

// storedTokens reads the tokens from NAME-tokens, and the token that NAME-endpoint shows.
func (o *observed) storedTokens() (stored tokens, shown string) {
	if secret := o.secrets.endpoint; secret != nil {
		shown = string(secret.Data[render.EndpointTokenKey])
	}
	secret := o.secrets.tokens
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

// providedToken returns the user's own token, or "" if the Source refers to none. An invalid token is a problem; the stored token then
// stays current. The message does not contain the token.
func (o *observed) providedToken() (string, []*condition.Problem) {
	if o.secrets.token == "" || validToken(o.secrets.token) {
		return o.secrets.token, nil
	}
	return "", []*condition.Problem{{
		Type: v1alpha1.ConditionEndpointReady, Reason: v1alpha1.ReasonInvalidToken, Stalled: true,
		Message: "spec.endpoint.token.secretRef: the token is invalid; it must have 22 to 128 letters, digits, hyphens and underscores. " +
			"To create one, run `openssl rand -hex 16`",
	}}
}

func overlap(source *v1alpha1.Source) time.Duration {
	if given := source.Spec.Endpoint.Token.Overlap; given != nil {
		return given.Duration
	}
	return defaultOverlap
}

// podsAccept reports whether every ready ingest pod accepts the token. Without ready pods, no pod rejects it.
func (o *observed) podsAccept(token string) bool {
	hash := report.TokenHash(token)
	for _, pod := range o.pods {
		if pod.ingest() && pod.ready && (pod.report == nil || !slices.Contains(pod.report.Configuration.TokenHashes, hash)) {
			return false
		}
	}
	return true
}

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{22,128}$`)

func validToken(token string) bool { return tokenPattern.MatchString(token) }
