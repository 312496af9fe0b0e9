// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Mapping turns events of one type into one action.
type Mapping struct {
	Name string `json:"name"`
	// Event is an event type, or a prefix of one ending in "*".
	Event string `json:"event"`
	// When is a boolean expression; empty means always.
	When     string `json:"when,omitempty"`
	Inactive bool   `json:"inactive,omitempty"`
	// Default marks a mapping that came with the source's template.
	Default    bool       `json:"default,omitempty"`
	Action     ActionName `json:"action"`
	Parameters Parameters `json:"parameters"`
}

// ActionName is the name of an action, as in the ActionMapping resource.
type ActionName string

// Parameters are an action's parameters by field name, as the resource spells them.
type Parameters map[string]Parameter

// Parameter is the value of one field: a text (an expression or a literal), a flag, or a map of field to expression.
type Parameter struct {
	Text   string
	Flag   bool
	Fields []Field // sorted by name
}

// UnmarshalJSON reads a string, a boolean or an object of strings.
func (p *Parameter) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, &p.Text)
	case '{':
		var fields map[string]string
		if err := json.Unmarshal(data, &fields); err != nil {
			return err
		}
		p.Fields = make([]Field, 0, len(fields))
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			p.Fields = append(p.Fields, Field{Name: name, Value: fields[name]})
		}
		return nil
	case 't', 'f':
		return json.Unmarshal(data, &p.Flag)
	default:
		return fmt.Errorf("a parameter is a string, a boolean or an object of strings, not %s", data)
	}
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (p Parameter) MarshalJSON() ([]byte, error) {
	switch {
	case p.Fields != nil:
		fields := make(map[string]string, len(p.Fields))
		for _, field := range p.Fields {
			fields[field.Name] = field.Value
		}
		return json.Marshal(fields)
	case p.Flag:
		return []byte("true"), nil
	default:
		return json.Marshal(p.Text)
	}
}
