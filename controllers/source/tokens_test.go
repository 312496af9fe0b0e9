// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// The tokens of these tests. nextTokens creates fresh when it needs a new one.
var (
	a, b, c, fresh = strings.Repeat("a", 22), strings.Repeat("b", 22), strings.Repeat("c", 22), strings.Repeat("f", 22)
	noon           = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tomorrow       = noon.Add(24 * time.Hour)
)

// stored returns Secret NAME-tokens.
func stored(current, previous string, until time.Time, rotation string, published bool) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}},
		Data:       map[string][]byte{"current": []byte(current)},
	}
	if previous != "" {
		secret.Data["previous"], secret.Data["previousUntil"] = []byte(previous), []byte(until.Format(time.RFC3339))
	}
	if rotation != "" {
		secret.Annotations[v1alpha1.AnnotationRotateToken] = rotation
	}
	if published {
		secret.Annotations[render.AnnotationPublished] = "true"
	}
	return secret
}

// showing returns Secret NAME-endpoint.
func showing(token string) *corev1.Secret {
	return &corev1.Secret{Data: map[string][]byte{"token": []byte(token)}}
}

// podAccepting returns a ready ingest pod that accepts the tokens.
func podAccepting(tokens ...string) pod {
	fetched := &report.Report{}
	for _, token := range tokens {
		fetched.Configuration.TokenHashes = append(fetched.Configuration.TokenHashes, report.TokenHash(token))
	}
	return pod{
		object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-0", Labels: map[string]string{render.LabelComponent: render.ComponentIngest}}},
		ready:  true, report: fetched,
	}
}

func TestTokensFollowFromTheSecretsAndThePods(t *testing.T) {
	over := noon.Add(-time.Second)
	for _, tc := range []struct {
		name     string
		tokens   *corev1.Secret
		endpoint *corev1.Secret
		provided string
		rotate   string
		pods     []pod
		want     tokens
	}{
		{name: "a new Source gets a token, which is shown at once because no pod rejects it", want: tokens{current: fresh, shown: fresh}},
		{name: "a stored token that is shown is marked as published", tokens: stored(a, "", noon, "", false), endpoint: showing(a), pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "a steady state does not change", tokens: stored(a, "", noon, "", true), endpoint: showing(a), pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "after a crash before NAME-endpoint was written, it shows the stored token", tokens: stored(a, "", noon, "", false), pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a}},
		{name: "a deleted NAME-tokens is restored from NAME-endpoint", endpoint: showing(a), pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "the annotation rotates the token, and the previous one is shown until pods accept the new one", tokens: stored(a, "", noon, "", true), endpoint: showing(a), rotate: "1", pods: []pod{podAccepting(a)}, want: tokens{current: fresh, previous: a, until: tomorrow, rotation: "1", shown: a}},
		{name: "the previous token is shown while one of two pods does not accept the new one", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "1", pods: []pod{podAccepting(a, b), podAccepting(a)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: a}},
		{name: "the new token is shown when every pod accepts it", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "1", pods: []pod{podAccepting(a, b), podAccepting(b)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: b}},
		{name: "an unchanged annotation does not rotate again", tokens: stored(b, a, tomorrow, "1", true), endpoint: showing(b), rotate: "1", pods: []pod{podAccepting(b)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: b, published: true}},
		{name: "a removed annotation does not rotate", tokens: stored(b, "", noon, "1", true), endpoint: showing(b), pods: []pod{podAccepting(b)}, want: tokens{current: b, shown: b, published: true}},
		{name: "a second rotation before the first was shown keeps the token that senders use", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "2", pods: []pod{podAccepting(a)}, want: tokens{current: fresh, previous: a, until: tomorrow, rotation: "2", shown: a}},
		{name: "a deleted NAME-endpoint rotates the token, which is shown when pods accept it", tokens: stored(a, "", noon, "", true), pods: []pod{podAccepting(a)}, want: tokens{current: fresh, previous: a, until: tomorrow}},
		{name: "a deleted NAME-endpoint rotates the token only once", tokens: stored(b, a, tomorrow, "", false), pods: []pod{podAccepting(a)}, want: tokens{current: b, previous: a, until: tomorrow}},
		{name: "after a crash before NAME-endpoint was restored, the token of the senders stays valid", tokens: stored(b, a, tomorrow, "", false), pods: []pod{podAccepting(a, b)}, want: tokens{current: b, previous: a, until: tomorrow, shown: b}},
		{name: "the previous token expires", tokens: stored(b, a, over, "", true), endpoint: showing(b), pods: []pod{podAccepting(a, b)}, want: tokens{current: b, shown: b, published: true}},
		{name: "the user's own token replaces the generated one", tokens: stored(a, "", noon, "", true), endpoint: showing(a), provided: c, pods: []pod{podAccepting(a)}, want: tokens{current: c, previous: a, until: tomorrow, shown: a}},
		{name: "an invalid token of the user leaves the stored one in place", tokens: stored(a, "", noon, "", true), endpoint: showing(a), provided: "short", pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "an invalid token in NAME-tokens is replaced", tokens: stored("edited by hand", "", noon, "", true), endpoint: showing("nor this"), pods: []pod{podAccepting()}, want: tokens{current: fresh}},
		{name: "an edited NAME-endpoint is corrected", tokens: stored(a, "", noon, "", true), endpoint: showing(b), pods: []pod{podAccepting(a)}, want: tokens{current: a, shown: a}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := &v1alpha1.Source{}
			if tc.rotate != "" {
				source.Annotations = map[string]string{v1alpha1.AnnotationRotateToken: tc.rotate}
			}
			seen := &observed{source: source, now: noon, pods: tc.pods, secrets: secrets{endpoint: tc.endpoint, tokens: tc.tokens, token: tc.provided}}
			got, _ := seen.nextTokens(func() string { return fresh })
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(tokens{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestInvalidTokenIsReportedWithoutItsValue(t *testing.T) {
	seen := &observed{source: &v1alpha1.Source{}, now: noon, secrets: secrets{token: "too/short"}}
	_, problems := seen.nextTokens(func() string { return fresh })
	if len(problems) != 1 || problems[0].Reason != v1alpha1.ReasonInvalidToken || strings.Contains(problems[0].Message, "too/short") {
		t.Errorf("got %+v", problems)
	}
}
