// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Mapping is the compiled form of one ActionMapping: an action that runs for each event with a matching type.
type Mapping struct {
	Name string `json:"name"`
	// Event is an event type, or a prefix and "*".
	Event string `json:"event"`
	// When is a boolean expression. If it is empty, the action runs for every event of the type.
	When string `json:"when,omitempty"`
	// Inactive switches the mapping off.
	Inactive bool `json:"inactive,omitempty"`
	// Default marks a default mapping, which is part of the template.
	Default    bool       `json:"default,omitempty"`
	Action     ActionName `json:"action"`
	Parameters Parameters `json:"parameters"`
}

// ActionName is the name of an action, as the ActionMapping resource spells it. The table of all actions is in the
// package mapping.
type ActionName string

// Parameters are the parameters of an action by field name, as the resource spells them.
type Parameters map[string]Parameter

// Parameter is the value of one field of an action. The type of its JSON value determines which field is set.
type Parameter struct {
	// Text is an expression or a literal.
	Text string
	// Flag is a boolean.
	Flag bool
	// Fields is a map of field names to expressions, sorted by name.
	Fields []Field
}

// UnmarshalJSON decodes a string, a boolean or an object of strings.
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
		return fmt.Errorf("invalid parameter %s: must be a string, a boolean or an object of strings", data)
	}
}

// MarshalJSON encodes the parameter. UnmarshalJSON decodes the result to the same Parameter.
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
