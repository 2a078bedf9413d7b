package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Pattern matches events, like the EventPattern of an EventBridge rule.
type Pattern struct {
	fields map[string]*Pattern // of an object; nil for a leaf
	tests  []test              // of a leaf: one must hold
}

// A test is one value in the list of a leaf.
type test struct {
	kind   string // equals, prefix, suffix, equals-ignore-case, anything-but, exists
	text   string
	texts  []string
	exists bool
}

// ParsePattern parses a pattern. It rejects unknown filters, so that a rule
// cannot match less than intended.
// Source: EventBridge User Guide, "Creating Amazon EventBridge event patterns"
// and "Comparison operators". Numeric, CIDR, wildcard and $or are not supported.
func ParsePattern(text []byte) (*Pattern, error) {
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("parse event pattern: %w", err)
	}
	p, err := compile(value)
	if err != nil {
		return nil, fmt.Errorf("parse event pattern: %w", err)
	}
	return p, nil
}

func compile(value any) (*Pattern, error) {
	switch value := value.(type) {
	case map[string]any:
		return compileObject(value)
	case []any:
		return compileLeaf(value)
	}
	return nil, errors.New("want an object or a list of values")
}

func compileObject(value map[string]any) (*Pattern, error) {
	if len(value) == 0 {
		return nil, errors.New("an object without members")
	}
	p := &Pattern{fields: map[string]*Pattern{}}
	for name, inner := range value {
		field, err := compile(inner)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.fields[name] = field
	}
	return p, nil
}

func compileLeaf(values []any) (*Pattern, error) {
	if len(values) == 0 {
		return nil, errors.New("an empty list")
	}
	p := &Pattern{}
	for _, v := range values {
		t, err := compileTest(v)
		if err != nil {
			return nil, err
		}
		p.tests = append(p.tests, t)
	}
	return p, nil
}

func compileTest(value any) (test, error) {
	filter, ok := value.(map[string]any)
	if !ok {
		text, err := scalar(value)
		return test{kind: "equals", text: text}, err
	}
	if len(filter) != 1 {
		return test{}, errors.New("a filter needs one operator")
	}
	for kind, operand := range filter {
		t := test{kind: kind}
		var good bool
		switch kind {
		case "prefix", "suffix", "equals-ignore-case":
			t.text, good = operand.(string)
		case "exists":
			t.exists, good = operand.(bool)
		case "anything-but":
			t.texts, good = scalars(operand)
		default:
			return test{}, fmt.Errorf("unknown filter %q", kind)
		}
		if !good {
			return test{}, fmt.Errorf("filter %q: a value of the wrong type", kind)
		}
		return t, nil
	}
	panic("unreachable")
}

// scalar returns the text of a JSON value that is neither an object nor a list.
func scalar(value any) (string, error) {
	switch value.(type) {
	case map[string]any, []any:
		return "", errors.New("a list within a list")
	}
	text, err := json.Marshal(value)
	return string(text), err
}

func scalars(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var out []string
	for _, v := range list {
		text, err := scalar(v)
		if err != nil {
			return nil, false
		}
		out = append(out, text)
	}
	return out, len(out) > 0
}

// Match reports whether the pattern matches an event in JSON.
func (p *Pattern) Match(event []byte) bool {
	var value any
	return json.Unmarshal(event, &value) == nil && p.match(value, true)
}

func (p *Pattern) match(value any, there bool) bool {
	if p.fields != nil {
		object, _ := value.(map[string]any)
		for name, field := range p.fields {
			inner, found := object[name]
			if !field.match(inner, found) {
				return false
			}
		}
		return true
	}
	return slices.ContainsFunc(p.tests, func(t test) bool { return t.holds(value, there) })
}

// holds reports whether a value, or one of a list of values, passes the test.
func (t *test) holds(value any, there bool) bool {
	if t.kind == "exists" {
		_, object := value.(map[string]any)
		return (there && !object) == t.exists
	}
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool { return t.holds(v, true) })
	}
	text, err := scalar(value)
	if !there || err != nil {
		return false
	}
	word, isText := value.(string)
	switch t.kind {
	case "equals":
		return text == t.text
	case "anything-but":
		return !slices.Contains(t.texts, text)
	case "prefix":
		return isText && strings.HasPrefix(word, t.text)
	case "suffix":
		return isText && strings.HasSuffix(word, t.text)
	}
	return isText && strings.EqualFold(word, t.text)
}
