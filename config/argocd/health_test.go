// SPDX-License-Identifier: Apache-2.0

package argocd_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

// health is the result of a script.
type health struct{ Status, Message string }

const unseen = "waiting for Doorbell to reconcile the current generation"

func TestHealthFollowsTheConditions(t *testing.T) {
	for _, kind := range []string{"Source", "ActionMapping"} {
		for _, test := range []struct {
			name   string
			object string
			want   health
		}{
			{"an object without a status is progressing", `{metadata: {generation: 1}}`, health{"Progressing", unseen}},
			{"a status about an older generation is progressing", `
metadata: {generation: 2}
status: {observedGeneration: 1, conditions: [{type: Ready, status: "True", message: old}]}`, health{"Progressing", unseen}},
			{"a status without Ready is progressing", `
metadata: {generation: 1}
status: {observedGeneration: 1, conditions: [{type: Stalled, status: "True", message: incomplete status}]}`, health{"Progressing", unseen}},
			{"Ready is healthy", `
metadata: {generation: 1}
status: {observedGeneration: 1, conditions: [{type: Ready, status: "True", message: all good}]}`, health{"Healthy", "all good"}},
			{"Stalled is degraded, with the message of Stalled", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: "False", message: sum}
    - {type: Stalled, status: "True", message: no such secret}`, health{"Degraded", "no such secret"}},
			{"Stalled takes precedence over Ready", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: "True", message: the last valid version runs}
    - {type: Stalled, status: "True", message: an invalid field}`, health{"Degraded", "an invalid field"}},
			{"Reconciling is progressing", `
metadata: {generation: 1}
status:
  observedGeneration: 1
  conditions:
    - {type: Ready, status: "False", message: sum}
    - {type: Reconciling, status: "True", message: 1 of 2 pods}`, health{"Progressing", "1 of 2 pods"}},
			{"neither Ready nor Stalled nor Reconciling is progressing", `
metadata: {generation: 1}
status: {observedGeneration: 1, conditions: [{type: Ready, status: Unknown, message: waiting}]}`, health{"Progressing", "waiting"}},
		} {
			t.Run(kind+": "+test.name, func(t *testing.T) {
				if diff := cmp.Diff(test.want, assess(t, kind, test.object)); diff != "" {
					t.Errorf("health (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestSuspendedSourceIsSuspendedOnceItIsReady(t *testing.T) {
	for _, test := range []struct {
		name, ready string
		want        health
	}{
		{"ready", `"True"`, health{"Suspended", "message"}},
		{"not ready", `"False"`, health{"Progressing", "message"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := assess(t, "Source", `
metadata: {generation: 1}
spec: {delivery: {suspend: true}}
status: {observedGeneration: 1, conditions: [{type: Ready, status: `+test.ready+`, message: message}]}`)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("health (-want +got):\n%s", diff)
			}
		})
	}
}

// assess runs the script of a kind in the environment of Argo CD: the basic functions of Lua, and the object as obj.
func assess(t *testing.T, kind, object string) health {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	lua.OpenBase(state)
	state.SetGlobal("obj", value(state, fields))
	if err := state.DoFile(filepath.Join(kind, "health.lua")); err != nil {
		t.Fatal(err)
	}
	returned, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		t.Fatalf("the script returned %v; want a table", state.Get(-1))
	}
	return health{returned.RawGetString("status").String(), returned.RawGetString("message").String()}
}

// value converts a value from YAML into its Lua form.
func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, field := range from {
			table.RawSetString(key, value(state, field))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range from {
			table.Append(value(state, item))
		}
		return table
	case string:
		return lua.LString(from)
	case float64:
		return lua.LNumber(from)
	case bool:
		return lua.LBool(from)
	default:
		return lua.LNil
	}
}
