// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/test/golden"
)

var update = golden.Flag()

var recipesPattern = regexp.MustCompile(`(?s)(<!-- recipes: .*? -->\n).*?(<!-- /recipes -->)`)

// TestCheatSheetShowsTheTestedRecipes compares the cheat sheet with the recipes that the tests of package expression evaluate. With
// -update it writes the cheat sheet.
func TestCheatSheetShowsTheTestedRecipes(t *testing.T) {
	var recipes []struct {
		Title, Expression, Event, Result string
		Headers                          map[string]string
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "ingest/expression/testdata/recipes.yaml")), &recipes); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| to get | write | event | result |\n| --- | --- | --- | --- |\n")
	for _, recipe := range recipes {
		event := code(recipe.Event)
		for name, value := range recipe.Headers {
			event = "header " + code(name+": "+value)
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", recipe.Title, code(recipe.Expression), event, code(recipe.Result))
	}
	const page = "docs/expressions.md"
	text := read(t, page)
	if !recipesPattern.MatchString(text) {
		t.Fatalf("%s has no comments that mark the cheat sheet", page)
	}
	want := recipesPattern.ReplaceAllString(text, "${1}"+strings.ReplaceAll(table.String(), "$", "$$")+"${2}")
	golden.Check(t, *update, filepath.Join(root, page), []byte(want))
}

// code formats a text as code in a cell of a table.
func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }
