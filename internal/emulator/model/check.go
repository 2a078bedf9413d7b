package model

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Violation is a constraint that an input breaks.
type Violation struct {
	Path       string // as in AWS's messages: tags.1.member.key
	Value      string // empty when the model marks it as sensitive
	Shown      bool   // the value is a number or one of an enumeration
	Constraint string
	Pattern    string // the pattern that the value does not match
}

const null = "Member must not be null"

// text returns the violation in AWS's words. Services differ: STS quotes the value, IAM
// only numbers and enumerations.
func (v Violation) text(quoted bool) string {
	subject := "Value"
	switch {
	case quoted && v.Constraint == null:
		subject = "Value null"
	case v.Value != "" && (quoted || v.Shown):
		subject = "Value '" + v.Value + "'"
	}
	return subject + " at '" + v.Path + "' failed to satisfy constraint: " + v.Constraint
}

// Message returns AWS's message for violations: it lists all of them. With quoted it
// repeats the values that are not sensitive.
func Message(all []Violation, quoted bool) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = v.text(quoted)
	}
	noun := " validation errors detected: "
	if len(all) == 1 {
		noun = " validation error detected: "
	}
	return strconv.Itoa(len(all)) + noun + strings.Join(texts, "; ")
}

// Check returns the constraints that an input breaks; in is a pointer to one of the
// SDK's input structs.
func (s *Service) Check(in any) []Violation {
	c := checker{service: s}
	c.structure(reflect.ValueOf(in).Elem(), "")
	return c.found
}

// A step checks one field of a struct.
type step struct {
	index int
	name  string // in messages
	Member
}

// plan returns the fields of a struct that have constraints or contain structs.
func (s *Service) plan(t reflect.Type) []step {
	if known, ok := s.plans.Load(t); ok {
		return known.([]step)
	}
	var steps []step
	for _, m := range s.Structs[t.Name()] {
		if f, ok := t.FieldByName(m.Name); ok {
			steps = append(steps, step{f.Index[0], strings.ToLower(m.Name[:1]) + m.Name[1:], m})
		}
	}
	s.plans.Store(t, steps)
	return steps
}

type checker struct {
	service *Service
	found   []Violation
}

func (c *checker) add(m *Member, path, value, format string, a ...any) {
	if m.Sensitive {
		value = ""
	}
	shown := m.Enum != nil || m.Type == "integer"
	c.found = append(c.found, Violation{Path: path, Value: value, Shown: shown, Constraint: fmt.Sprintf(format, a...)})
}

func (c *checker) structure(v reflect.Value, path string) {
	steps := c.service.plan(v.Type())
	for i := range steps {
		s := &steps[i]
		at := s.name
		if path != "" {
			at = path + "." + s.name
		}
		c.value(&s.Member, v.Field(s.index), at)
	}
}

var timeType = reflect.TypeFor[time.Time]()

func (c *checker) value(m *Member, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			c.absent(m, path)
			return
		}
		c.value(m, v.Elem(), path)
	case reflect.Slice:
		c.list(m, v, path)
	case reflect.String:
		if v.Type().Name() != "string" && v.Len() == 0 { // an enumeration that is not set
			c.absent(m, path)
			return
		}
		c.text(m, v.String(), path)
	case reflect.Int32, reflect.Int64:
		c.between(m, v.Int(), path, strconv.FormatInt(v.Int(), 10), "value")
	case reflect.Struct:
		if v.Type() != timeType {
			c.structure(v, path)
		}
	}
}

func (c *checker) absent(m *Member, path string) {
	if m.Required {
		c.add(m, path, "", null)
	}
}

func (c *checker) list(m *Member, v reflect.Value, path string) {
	if v.IsNil() {
		c.absent(m, path)
		return
	}
	c.between(m, int64(v.Len()), path, "["+strconv.Itoa(v.Len())+" members]", "length")
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return
	}
	item := m.Item
	if item == nil {
		item = &Member{}
	}
	for i := range v.Len() {
		c.value(item, v.Index(i), fmt.Sprintf("%s.%d.member", path, i+1))
	}
}

// text finds the first constraint that a text breaks.
func (c *checker) text(m *Member, text, path string) {
	switch {
	case !c.between(m, int64(utf8.RuneCountInString(text)), path, text, "length"):
	case m.Enum != nil && !slices.Contains(m.Enum, text):
		c.add(m, path, text, "Member must satisfy enum value set: [%s]", strings.Join(m.Enum, ", "))
	case m.Pattern != nil && !m.Pattern.MatchString(text):
		pattern := strings.TrimSuffix(strings.TrimPrefix(m.Pattern.String(), "^(?:"), ")$")
		c.add(m, path, text, "Member must satisfy regular expression pattern: %s", pattern)
		c.found[len(c.found)-1].Pattern = pattern
	}
}

func (c *checker) between(m *Member, n int64, path, value, what string) bool {
	switch {
	case m.Min != nil && n < *m.Min:
		c.add(m, path, value, "Member must have %s greater than or equal to %d", what, *m.Min)
	case m.Max != nil && n > *m.Max:
		c.add(m, path, value, "Member must have %s less than or equal to %d", what, *m.Max)
	default:
		return true
	}
	return false
}
