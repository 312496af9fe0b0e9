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

// The tokens of these tests; fresh is the one that is made when one is made.
var (
	a, b, c, fresh = strings.Repeat("a", 22), strings.Repeat("b", 22), strings.Repeat("c", 22), strings.Repeat("f", 22)
	noon           = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tomorrow       = noon.Add(24 * time.Hour)
)

// stored is NAME-tokens.
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

// showing is NAME-endpoint.
func showing(token string) *corev1.Secret {
	return &corev1.Secret{Data: map[string][]byte{"token": []byte(token)}}
}

// taking is a ready ingest pod that takes these tokens.
func taking(tokens ...string) pod {
	answer := &report.Report{}
	for _, token := range tokens {
		answer.Configuration.TokenHashes = append(answer.Configuration.TokenHashes, report.TokenHash(token))
	}
	return pod{
		object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shop-ingest-0", Labels: map[string]string{"app.kubernetes.io/component": render.ComponentIngest}}},
		ready:  true, report: answer,
	}
}

func TestTokensFollowFromWhatTheSecretsHold(t *testing.T) {
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
		{name: "a new Source gets a token, shown at once, for no pod refuses it", want: tokens{current: fresh, shown: fresh}},
		{name: "what was stored and shown is marked as published", tokens: stored(a, "", noon, "", false), endpoint: showing(a), pods: []pod{taking(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "a steady state stays", tokens: stored(a, "", noon, "", true), endpoint: showing(a), pods: []pod{taking(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "a crash before the endpoint was written makes it from what is stored", tokens: stored(a, "", noon, "", false), pods: []pod{taking(a)}, want: tokens{current: a, shown: a}},
		{name: "a deleted tokens Secret is made from the endpoint's", endpoint: showing(a), pods: []pod{taking(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "the annotation asks for another, and the former is shown until pods take it", tokens: stored(a, "", noon, "", true), endpoint: showing(a), rotate: "1", pods: []pod{taking(a)}, want: tokens{current: fresh, previous: a, until: tomorrow, rotation: "1", shown: a}},
		{name: "while one of two pods does not take it, the former is shown", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "1", pods: []pod{taking(a, b), taking(a)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: a}},
		{name: "when every pod takes it, it is shown", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "1", pods: []pod{taking(a, b), taking(b)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: b}},
		{name: "the same annotation does not rotate again", tokens: stored(b, a, tomorrow, "1", true), endpoint: showing(b), rotate: "1", pods: []pod{taking(b)}, want: tokens{current: b, previous: a, until: tomorrow, rotation: "1", shown: b, published: true}},
		{name: "an annotation that is taken away does not rotate", tokens: stored(b, "", noon, "1", true), endpoint: showing(b), pods: []pod{taking(b)}, want: tokens{current: b, shown: b, published: true}},
		{name: "a second rotation before the first was shown keeps the one that senders have", tokens: stored(b, a, tomorrow, "1", false), endpoint: showing(a), rotate: "2", pods: []pod{taking(a)}, want: tokens{current: fresh, previous: a, until: tomorrow, rotation: "2", shown: a}},
		{name: "a deleted endpoint Secret asks for another, shown when pods take it", tokens: stored(a, "", noon, "", true), pods: []pod{taking(a)}, want: tokens{current: fresh, previous: a, until: tomorrow}},
		{name: "and asks once only", tokens: stored(b, a, tomorrow, "", false), pods: []pod{taking(a)}, want: tokens{current: b, previous: a, until: tomorrow}},
		{name: "and a crash before it was written again loses nobody's token", tokens: stored(b, a, tomorrow, "", false), pods: []pod{taking(a, b)}, want: tokens{current: b, previous: a, until: tomorrow, shown: b}},
		{name: "the former ends", tokens: stored(b, a, over, "", true), endpoint: showing(b), pods: []pod{taking(a, b)}, want: tokens{current: b, shown: b, published: true}},
		{name: "one's own token takes the place of the made one", tokens: stored(a, "", noon, "", true), endpoint: showing(a), provided: c, pods: []pod{taking(a)}, want: tokens{current: c, previous: a, until: tomorrow, shown: a}},
		{name: "one's own token that is too short leaves the former", tokens: stored(a, "", noon, "", true), endpoint: showing(a), provided: "short", pods: []pod{taking(a)}, want: tokens{current: a, shown: a, published: true}},
		{name: "what is no token in the tokens Secret is made anew", tokens: stored("edited by hand", "", noon, "", true), endpoint: showing("nor this"), pods: []pod{taking()}, want: tokens{current: fresh}},
		{name: "an edited endpoint Secret is put right", tokens: stored(a, "", noon, "", true), endpoint: showing(b), pods: []pod{taking(a)}, want: tokens{current: a, shown: a}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := &v1alpha1.Source{}
			if tc.rotate != "" {
				source.Annotations = map[string]string{v1alpha1.AnnotationRotateToken: tc.rotate}
			}
			w := &world{source: source, now: noon, pods: tc.pods, secrets: secrets{endpoint: tc.endpoint, tokens: tc.tokens, token: tc.provided}}
			got := w.nextTokens(func() string { return fresh })
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(tokens{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestATokenOfOnesOwnThatCannotBeUsedIsToldWithoutBeingShown(t *testing.T) {
	w := &world{source: &v1alpha1.Source{}, now: noon, secrets: secrets{token: "too/short"}}
	w.nextTokens(func() string { return fresh })
	if len(w.problems) != 1 || w.problems[0].Reason != v1alpha1.ReasonInvalidToken || strings.Contains(w.problems[0].Message, "too/short") {
		t.Errorf("got %+v", w.problems)
	}
}
