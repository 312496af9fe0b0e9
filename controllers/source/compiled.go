// SPDX-License-Identifier: Apache-2.0

package source

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// Compiler compiles Sources. It compiles a Source again only if the Source or one of its mappings changed. It is safe for concurrent use.
type Compiler struct {
	seed maphash.Seed

	mu   sync.Mutex
	last map[types.UID]*compiled
}

// compiled is a compiled Source, packed for its ConfigMaps.
type compiled struct {
	inputs   uint64
	bundle   *document.Bundle // nil if the Source itself is invalid or the document is too large
	problems []problem.Problem
	tooLarge error
}

// NewCompiler returns a Compiler.
func NewCompiler() *Compiler {
	return &Compiler{seed: maphash.MakeSeed(), last: map[types.UID]*compiled{}}
}

// compile returns the compiled Source, from the last compilation if nothing changed since. It sorts the mappings by name.
func (c *Compiler) compile(source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping) *compiled {
	slices.SortFunc(mappings, func(a, b *v1alpha1.ActionMapping) int { return cmp.Compare(a.Name, b.Name) })
	inputs := c.inputs(source, mappings)
	c.mu.Lock()
	last := c.last[source.UID]
	c.mu.Unlock()
	if last != nil && last.inputs == inputs {
		return last
	}
	fresh := pack(compile.Source(source, mappings))
	fresh.inputs = inputs
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[source.UID] = fresh
	return fresh
}

// version returns the version of the document, or "" if there is none.
func (c *compiled) version() string {
	if c.bundle == nil {
		return ""
	}
	return c.bundle.Version
}

// forget drops the compilation of a deleted Source.
func (c *Compiler) forget(source types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, source)
}

func pack(result compile.Result) *compiled {
	out := &compiled{problems: result.Problems}
	if result.Program == nil {
		return out
	}
	bundle, err := document.Pack(result.Document)
	if err != nil {
		out.tooLarge = err
		return out
	}
	out.bundle = &bundle
	return out
}

// inputs returns a hash of the generations of everything that is compiled.
func (c *Compiler) inputs(source *v1alpha1.Source, mappings []*v1alpha1.ActionMapping) uint64 {
	var hash maphash.Hash
	hash.SetSeed(c.seed)
	fmt.Fprintf(&hash, "%s %d\n", source.UID, source.Generation)
	for _, m := range mappings {
		fmt.Fprintf(&hash, "%s %d\n", m.UID, m.Generation)
	}
	return hash.Sum64()
}

// sourceProblems returns the mistakes in the Source itself, as one text, or "" if there are none.
func (c *compiled) sourceProblems() string {
	var messages []string
	for _, p := range c.problems {
		if p.Mapping == "" && !p.Warning {
			messages = append(messages, p.Error())
		}
	}
	return strings.Join(messages, "; ")
}

// byMapping returns the first mistake in each mapping and the first warning about each mapping, by name. The name of the Source itself
// is "".
func (c *compiled) byMapping() (mistakes, warnings map[string]problem.Problem) {
	mistakes, warnings = map[string]problem.Problem{}, map[string]problem.Problem{}
	for _, p := range c.problems {
		into := mistakes
		if p.Warning {
			into = warnings
		}
		if _, known := into[p.Mapping]; !known {
			into[p.Mapping] = p
		}
	}
	return mistakes, warnings
}
