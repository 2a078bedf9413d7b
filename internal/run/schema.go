package run

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/policy/prove"
)

// Schema is the JSON Schema (draft 2020-12) of one line of a run, indented and with a
// final newline. It is made from the types that [Writer] writes.
func Schema() []byte {
	defs := definitions{}
	lines := []any{one("head", defs.of(reflect.TypeFor[Head]()))}
	record := reflect.TypeFor[Record]()
	for i := range record.NumField() {
		f := record.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		lines = append(lines, one(name, defs.of(f.Type)))
	}
	lines = append(lines, one("end", defs.of(reflect.TypeFor[End]())), one("sha256", object{"type": "string", "pattern": "^[0-9a-f]{64}$"}))
	schema := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:forcemfa:run:1", "title": "one line of a run",
		"description": "A run is JSON Lines: head, records, end, and the SHA-256 of all bytes before the last line.",
		"oneOf":       lines, "$defs": defs,
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		panic("run: " + err.Error()) // strings and lists always marshal
	}
	return out.Bytes()
}

type object = map[string]any

// one is an object with one member.
func one(name string, value any) object {
	return object{"type": "object", "properties": object{name: value}, "required": []string{name}, "additionalProperties": false}
}

// definitions are the schemas of structs, by their name.
type definitions map[string]any

// words are the types of which only a few values exist.
var words = map[reflect.Type][]string{
	reflect.TypeFor[audit.State]():    texts(audit.States),
	reflect.TypeFor[audit.Severity](): texts(audit.Severities),
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// of is the schema of a type.
func (d definitions) of(t reflect.Type) any {
	if values := words[t]; values != nil {
		return object{"type": "string", "enum": values}
	}
	if t == reflect.TypeFor[time.Time]() {
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.of(t.Elem())
	case reflect.Struct:
		return d.reference(t)
	case reflect.Slice:
		return object{"type": []string{"array", "null"}, "items": d.of(t.Elem())}
	case reflect.Array:
		return object{"type": "array", "items": d.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		s := object{"type": []string{"object", "null"}, "additionalProperties": d.of(t.Elem())}
		if values := words[t.Key()]; values != nil {
			s["propertyNames"] = object{"enum": values}
		}
		return s
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	}
	panic("run: no schema for " + t.String())
}

// reference defines a struct once, and refers to it.
func (d definitions) reference(t reflect.Type) any {
	name := t.String()
	if _, known := d[name]; !known {
		d[name] = nil // a struct may contain itself
		properties, required := object{}, []string{}
		d.members(t, properties, &required)
		if t == reflect.TypeFor[prove.Counterexample]() {
			properties["credential"] = object{"type": "string"} // written as a word
			required = append(required, "credential")
		}
		d[name] = object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	return object{"$ref": "#/$defs/" + name}
}

// members adds the members of a struct, and of those that it embeds.
func (d definitions) members(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			d.members(f.Type, properties, required)
		case !f.IsExported() || name == "-":
		default:
			if name == "" {
				name = f.Name
			}
			properties[name] = d.of(f.Type)
			if !strings.Contains(options, "omit") {
				*required = append(*required, name)
				if f.Type.Kind() == reflect.Pointer {
					properties[name] = object{"oneOf": []any{object{"type": "null"}, d.of(f.Type)}}
				}
			}
		}
	}
}
