// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// TestRecipesGiveTheResultsOfTheCheatSheet evaluates the recipes that docs/expressions.md shows.
func TestRecipesGiveTheResultsOfTheCheatSheet(t *testing.T) {
	data, err := os.ReadFile("testdata/recipes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var recipes []struct {
		Title, Expression, Event, Result string
		Headers                          map[string]string
	}
	if err := yaml.UnmarshalStrict(data, &recipes); err != nil {
		t.Fatal(err)
	}
	if len(recipes) < 20 {
		t.Errorf("%d recipes, want at least 20", len(recipes))
	}
	for _, recipe := range recipes {
		t.Run(recipe.Title, func(t *testing.T) {
			x, err := expression.Compile(recipe.Expression, expression.Any)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Eval(expression.NewInput([]byte(recipe.Event), recipe.Headers, nil))
			if diff := cmp.Diff(recipe.Result, string(got)); diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}
