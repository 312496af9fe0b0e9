// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// compiler turns sets of manifests into sources, one set after the other. What no longer compiles keeps running in its
// last good version.
type compiler struct {
	options   Options
	addresses addresses
	problems  *problems

	mappings map[string]*v1alpha1.ActionMapping // the last version that compiled, by NAMESPACE/NAME
	sources  map[string]pipeline.Config
}

// compile returns the sources that can run and reports everything that is wrong.
func (c *compiler) compile(set *manifest.Set) []pipeline.Config {
	c.problems.begin()
	for _, problem := range set.Problems {
		c.problems.add(problem)
	}
	for _, ignored := range set.Ignored {
		c.problems.note(ignored.String())
	}
	c.orphans(set)
	running, last := []pipeline.Config{}, c.sources
	c.sources = map[string]pipeline.Config{}
	for _, source := range set.Sources {
		compiled, ok := c.source(set, source)
		if !ok {
			compiled, ok = last[ref(source.Object.Namespace, source.Object.Name)]
		}
		if ok {
			c.sources[compiled.Document.Ref()] = compiled
			running = append(running, compiled)
		}
	}
	c.problems.end()
	return running
}

func (c *compiler) refs() []string {
	var refs []string
	for ref := range c.sources {
		refs = append(refs, ref)
	}
	return refs
}

// orphans reports mappings whose Source is not among the manifests. One with mistakes of its own is, and is reported.
func (c *compiler) orphans(set *manifest.Set) {
	known := map[string]bool{}
	for _, source := range set.Sources {
		known[ref(source.Object.Namespace, source.Object.Name)] = true
	}
	for _, m := range set.Mappings {
		name := m.Object.Spec.SourceRef.Name
		if !known[ref(m.Object.Namespace, name)] && !set.HasBrokenSource(m.Object.Namespace, name) {
			c.problems.add(m.Problem("spec.sourceRef.name",
				fmt.Sprintf("there is no Source %q in namespace %q", name, m.Object.Namespace)))
		}
	}
}

func (c *compiler) source(set *manifest.Set, source manifest.Loaded[v1alpha1.Source]) (pipeline.Config, bool) {
	object := source.Object
	mine := map[string]manifest.Loaded[v1alpha1.ActionMapping]{}
	var mappings []*v1alpha1.ActionMapping
	for _, m := range set.Mappings {
		if m.Object.Namespace == object.Namespace && m.Object.Spec.SourceRef.Name == object.Name {
			mine[m.Object.Name] = m
			mappings = append(mappings, m.Object)
		}
	}
	result := compile.Source(object, mappings)
	for _, problem := range result.Problems {
		c.report(source, mine, problem)
	}
	if result.Program == nil {
		return pipeline.Config{}, false
	}
	result = c.lastGood(object, mappings, result)
	if c.options.KnockURL != "" {
		result.Document.Knock.BaseURL = strings.TrimRight(c.options.KnockURL, "/")
	}
	credentials := c.credentials(set, source)
	return pipeline.Config{
		Document: result.Document, Program: result.Program, Credentials: credentials, DryRun: credentials.APIKey == "",
	}, true
}

func (c *compiler) report(
	source manifest.Loaded[v1alpha1.Source], mine map[string]manifest.Loaded[v1alpha1.ActionMapping], found problem.Problem,
) {
	place := source.Problem(found.Field, found.Message)
	if m, ok := mine[found.Mapping]; ok {
		place = m.Problem(found.Field, found.Message)
	}
	place.Warning = found.Warning
	c.problems.add(place)
}

// lastGood compiles again with the last good version of each mapping that has none now.
func (c *compiler) lastGood(
	source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping, result compile.Result,
) compile.Result {
	if c.mappings == nil {
		c.mappings = map[string]*v1alpha1.ActionMapping{}
	}
	broken := map[string]bool{}
	for _, problem := range result.Problems {
		if problem.Mapping != "" && !problem.Warning {
			broken[problem.Mapping] = true
		}
	}
	restored := false
	for i, m := range mappings {
		key := ref(m.Namespace, m.Name)
		last, ok := c.mappings[key]
		switch {
		case !broken[m.Name]:
			c.mappings[key] = m
		case ok && last.Spec.SourceRef.Name == source.Name:
			mappings[i], restored = last, true
		}
	}
	if restored {
		return compile.Source(source, mappings)
	}
	return result
}

// credentials finds a source's secrets among the manifests. The URL's token is derived.
func (c *compiler) credentials(set *manifest.Set, source manifest.Loaded[v1alpha1.Source]) document.Credentials {
	object := source.Object
	key := c.options.APIKey
	if value, found := c.secret(set, source, podsecrets.APIKeyField, object.Spec.Knock.APIKeySecretRef); found {
		key = value
	}
	credentials := document.Credentials{
		Tokens: []string{c.addresses.token(ref(object.Namespace, object.Name))}, APIKey: key,
	}
	if secret, needed := podsecrets.Find(object, podsecrets.VerificationField); needed {
		value, found := c.secret(set, source, secret.Field, secret.Ref)
		if !found {
			c.problems.add(source.Problem(secret.Field, fmt.Sprintf(
				"there is no Secret %q with a key %q in namespace %q; until there is, events are answered 429",
				secret.Ref.Name, secret.Ref.Key, object.Namespace)))
		}
		credentials.Verification = value
	}
	return credentials
}

func (c *compiler) secret(
	set *manifest.Set, source manifest.Loaded[v1alpha1.Source], field string, reference v1alpha1.SecretKeyReference,
) (value string, found bool) {
	for _, secret := range set.Secrets {
		if secret.Object.Namespace != source.Object.Namespace || secret.Object.Name != reference.Name {
			continue
		}
		if value := trimmed(secret.Object, reference.Key); value != "" {
			return value, true
		}
		c.problems.add(source.Problem(field, fmt.Sprintf("Secret %q has no key %q", reference.Name, reference.Key)))
	}
	return "", false
}

// trimmed is a secret without the line end that files and "echo" leave behind it.
func trimmed(secret *corev1.Secret, key string) string {
	return strings.TrimRight(string(secret.Data[key]), "\r\n")
}

func ref(namespace, name string) string { return namespace + "/" + name }
