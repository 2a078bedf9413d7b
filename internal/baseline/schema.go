package baseline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// A schema is a JSON Schema of draft 2020-12, as far as config files need it.
type schema struct {
	Schema               string             `json:"$schema,omitempty"`
	ID                   string             `json:"$id,omitempty"`
	Title                string             `json:"title,omitempty"`
	Description          string             `json:"description,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Const                any                `json:"const,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Default              any                `json:"default,omitempty"`
	Examples             []string           `json:"examples,omitempty"`
	Pattern              string             `json:"pattern,omitempty"`
	Format               string             `json:"format,omitempty"`
	MinLength            int                `json:"minLength,omitempty"`
	Minimum              *int               `json:"minimum,omitempty"`
	Maximum              *int               `json:"maximum,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	MinProperties        int                `json:"minProperties,omitempty"`
	AdditionalProperties *bool              `json:"additionalProperties,omitempty"`
}

// Schema is the JSON Schema (draft 2020-12) of the config file, indented and
// with a final newline. It comes from the same tables by which [Parse] reads:
// what Parse takes, it takes. It cannot say everything (that a match must not
// mean everybody), so it may take what Parse refuses.
func Schema() []byte {
	s := new(configFile).over(defaults()).schema()
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.ID = "urn:forcemfa:config:1"
	s.Title = "forcemfa.yaml"
	s.Description = "The wanted state of an AWS organization. Without a file, every user gets ForceMFA through a group, except users with the tag userType=Service."
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic("baseline: " + err.Error()) // strings and numbers always marshal
	}
	return out.Bytes()
}

func (m mapping) schema() *schema {
	closed := false
	s := &schema{Type: "object", Properties: map[string]*schema{}, AdditionalProperties: &closed, MinProperties: m.least}
	for _, f := range m.fields {
		of := f.value.schema()
		of.Description = f.about
		s.Properties[f.key] = of
		if f.required {
			s.Required = append(s.Required, f.key)
		}
	}
	return s
}

func (q sequence[T]) schema() *schema {
	return &schema{Type: "array", Items: q.begin(new(T), node{}).schema()}
}

func (c choice[T]) schema() *schema {
	s := &schema{Type: "string", Enum: c.words()}
	if *c.to != "" {
		s.Default = string(*c.to)
	}
	return s
}

func (t truth) schema() *schema { return &schema{Type: "boolean", Default: *t.to} }

func (x number) schema() *schema {
	s := &schema{Type: "integer", Minimum: &x.from, Maximum: &x.through}
	if *x.to != 0 {
		s.Default = *x.to
	}
	return s
}

func (x amount) schema() *schema {
	return &schema{Type: "number", Minimum: new(int), Maximum: &x.most, Default: *x.to}
}

func (version) schema() *schema { return &schema{Type: "integer", Const: 1} }

func (sentence) schema() *schema { return &schema{Type: "string", Pattern: `\S`} }

func (p pattern) schema() *schema {
	shape := p.shape
	if p.regex {
		shape = fmt.Sprintf(`(%s)|^([^=]+=)?regex:`, shape)
	}
	s := &schema{Type: "string", MinLength: 1, Pattern: shape, Examples: p.examples}
	if *p.to != "" {
		s.Default = *p.to
	}
	return s
}

func (day) schema() *schema {
	return &schema{Type: "string", Format: "date", Pattern: `^\d{4}-\d{2}-\d{2}$`, Examples: []string{"2027-01-31"}}
}

func (a age) schema() *schema {
	s := &schema{Type: "string", Pattern: `^(none|[0-9.hmsuµnµ+-]+)$`, Examples: []string{"none", "12h"}, Default: "none"}
	if *a.to != 0 {
		s.Default = a.to.Round(time.Second).String()
	}
	return s
}

func (w word[T]) schema() *schema { return &schema{Type: "string", Pattern: w.shape} }
