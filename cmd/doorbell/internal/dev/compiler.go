// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/nearest"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// compiler turns sets of manifests into the configurations of pipelines, one set after another. As on a cluster, it leaves out
// a mapping that does not compile, and a Source that does not compile keeps running with its last valid configuration. It is
// not safe for concurrent use.
type compiler struct {
	options   Options
	addresses addresses
	problems  *problems
	running   map[string]pipeline.Config // by NAMESPACE/NAME
}

// compile returns the configurations to run, and prints the problems of the set.
func (c *compiler) compile(set *manifest.Set) []pipeline.Config {
	c.problems.begin()
	for _, p := range set.Problems {
		c.problems.add(p)
	}
	for _, line := range set.Ignored {
		c.problems.printOnce(line)
	}
	c.checkSourceRefs(set)
	configs, next := []pipeline.Config{}, map[string]pipeline.Config{}
	for _, source := range set.Sources {
		name := ref(source.Object.Namespace, source.Object.Name)
		config, ok := c.source(set, source)
		if !ok {
			config, ok = c.running[name]
		}
		if ok {
			configs = append(configs, config)
			next[name] = config
		}
	}
	c.running = next
	c.problems.end()
	return configs
}

// checkSourceRefs reports the mappings that refer to an unknown Source. A Source that was rejected is known, and its own
// problems are reported.
func (c *compiler) checkSourceRefs(set *manifest.Set) {
	names := map[string][]string{} // by namespace
	known := map[string]bool{}
	for _, source := range set.Sources {
		names[source.Object.Namespace] = append(names[source.Object.Namespace], source.Object.Name)
		known[ref(source.Object.Namespace, source.Object.Name)] = true
	}
	for _, m := range set.Mappings {
		namespace, name := m.Object.Namespace, m.Object.Spec.SourceRef.Name
		if known[ref(namespace, name)] || set.HasRejectedSource(namespace, name) {
			continue
		}
		message := fmt.Sprintf("there is no Source %q in namespace %q", name, namespace)
		if meant := nearest.Word(name, names[namespace]); meant != "" {
			message += fmt.Sprintf("; did you mean %q?", meant)
		}
		c.problems.add(m.Locate(problem.Problem{Field: "spec.sourceRef.name", Message: message}))
	}
}

// source compiles a Source with its mappings. It reports false if the Source does not compile.
func (c *compiler) source(set *manifest.Set, source manifest.Loaded[v1alpha1.Source]) (pipeline.Config, bool) {
	own := map[string]manifest.Loaded[v1alpha1.ActionMapping]{}
	var mappings []*v1alpha1.ActionMapping
	for _, m := range set.Mappings {
		if m.Object.Namespace == source.Object.Namespace && m.Object.Spec.SourceRef.Name == source.Object.Name {
			own[m.Object.Name] = m
			mappings = append(mappings, m.Object)
		}
	}
	result := compile.Source(source.Object, mappings)
	for _, p := range result.Problems {
		if m, ok := own[p.Mapping]; ok {
			c.problems.add(m.Locate(p))
		} else {
			c.problems.add(source.Locate(p))
		}
	}
	if result.Program == nil {
		return pipeline.Config{}, false
	}
	if c.options.KnockURL != "" {
		result.Document.Knock.BaseURL = strings.TrimRight(c.options.KnockURL, "/")
	}
	credentials := c.credentials(set, source)
	return pipeline.Config{
		Document: result.Document, Program: result.Program, Credentials: credentials, DryRun: credentials.APIKey == "",
	}, true
}

// credentials reads the Secrets of a Source from the manifests. The token is derived from the seed.
func (c *compiler) credentials(set *manifest.Set, source manifest.Loaded[v1alpha1.Source]) document.Credentials {
	credentials := document.Credentials{
		Tokens: []string{c.addresses.token(ref(source.Object.Namespace, source.Object.Name))}, APIKey: c.options.APIKey,
	}
	// Without a Secret for the API key, KNOCK_API_KEY applies, or calls are shown only, so a missing Secret is not a problem.
	if reference, given := podsecrets.Find(source.Object, podsecrets.APIKeyField); given {
		value, message := secretValue(set, source.Object.Namespace, reference.Ref)
		if value != "" {
			credentials.APIKey = value
		} else if message != "" {
			c.problems.add(source.Locate(problem.Problem{Field: reference.Field, Message: message}))
		}
	}
	if reference, given := podsecrets.Find(source.Object, podsecrets.VerificationField); given {
		value, message := secretValue(set, source.Object.Namespace, reference.Ref)
		if value == "" {
			message = cmp.Or(message, fmt.Sprintf("there is no Secret %q in namespace %q", reference.Ref.Name, source.Object.Namespace)) +
				"; until you add it, Doorbell responds to every request with status 429"
			c.problems.add(source.Locate(problem.Problem{Field: reference.Field, Message: message}))
		}
		credentials.Verification = value
	}
	return credentials
}

// secretValue returns the value of a key of a Secret among the manifests. It returns "" if there is no such Secret, and also a
// message if the Secret does not have the key.
func secretValue(set *manifest.Set, namespace string, reference v1alpha1.SecretKeyReference) (value, message string) {
	for _, secret := range set.Secrets {
		if secret.Object.Namespace != namespace || secret.Object.Name != reference.Name {
			continue
		}
		// Files and the command echo leave a line break at the end of a value.
		if value := strings.TrimRight(string(secret.Object.Data[reference.Key]), "\r\n"); value != "" {
			return value, ""
		}
		return "", fmt.Sprintf("Secret %q has no key %q", reference.Name, reference.Key)
	}
	return "", ""
}

func ref(namespace, name string) string { return namespace + "/" + name }
