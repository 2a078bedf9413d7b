package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MarshalJSON writes the keys in lower case and in order: a string for a key with one
// value, a list for a key with several. The two differ even if the list has one value,
// because operators treat them differently.
func (c *Context) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, key := range c.Keys() {
		if i > 0 {
			out.WriteByte(',')
		}
		e := c.find(key)
		var value any = e.values
		if !e.many {
			value = e.values[0]
		}
		for j, part := range []any{key, value} {
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			if j > 0 {
				out.WriteByte(':')
			}
			out.Write(text)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Context) UnmarshalJSON(text []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return err
	}
	*c = Context{}
	for key, value := range keys {
		var one string
		var many []string
		if _, twice := c.Get(key); twice {
			return fmt.Errorf("condition key %q is there twice", key)
		}
		switch {
		case json.Unmarshal(value, &one) == nil && value[0] == '"':
			c.Set(key, one)
		case json.Unmarshal(value, &many) == nil && len(many) > 0:
			c.SetMany(key, many)
		default:
			return fmt.Errorf("condition key %q: want a string, or a list of strings", key)
		}
	}
	return nil
}
