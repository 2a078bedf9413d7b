package wire

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// A member is a field of an input or output struct that is sent on the wire.
type member struct {
	name  string
	index int
}

var (
	shapes   sync.Map // reflect.Type → []member
	timeType = reflect.TypeFor[time.Time]()
)

// members returns the wire members of a struct type, in the order of the fields.
func members(t reflect.Type) []member {
	if known, ok := shapes.Load(t); ok {
		return known.([]member)
	}
	var out []member
	for i := range t.NumField() {
		f := t.Field(i)
		if f.IsExported() && !f.Anonymous && !notOnWire[f.Name] {
			name := f.Name
			if lowered[t.Name()+"."+name] {
				name = lowerFirst(name)
			}
			out = append(out, member{name, i})
		}
	}
	shapes.Store(t, out)
	return out
}

// lowered lists the members whose name in AWS's model starts with a lower-case letter,
// while that of their siblings doesn't.
var lowered = map[string]bool{"ListDelegationRequestsOutput.IsTruncated": true}

// notOnWire lists fields that the SDK adds to its structs.
var notOnWire = map[string]bool{"ResultMetadata": true, "ErrorCodeOverride": true}

// field returns the field of struct v with the given wire name.
func field(v reflect.Value, name string) (reflect.Value, bool) {
	upper := upperFirst(name)
	for _, m := range members(v.Type()) {
		if upperFirst(m.name) == upper {
			return v.Field(m.index), true
		}
	}
	return reflect.Value{}, false
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// omitted reports whether a value is left out of a response: nil pointers,
// slices and maps, and the empty string of an enumeration. Numbers and booleans
// that are not pointers are always present.
func omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func isBlob(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// union returns a new union member with the given wire name, from those that the
// codec knows.
func (c *Codec) union(t reflect.Type, name string) (pointer reflect.Value, ok bool) {
	for _, u := range c.Unions {
		known := reflect.TypeOf(u)
		if known.Implements(t) && unionName(known) == upperFirst(name) {
			return reflect.New(known.Elem()), true
		}
	}
	return reflect.Value{}, false
}

// unionName returns the wire name of a union's member type: the text after
// Member in its name.
func unionName(pointer reflect.Type) string {
	_, name, _ := strings.Cut(pointer.Elem().Name(), "Member")
	return name
}

// unionMember returns the member of a union.
func unionMember(v reflect.Value) (name string, value reflect.Value) {
	return unionName(v.Elem().Type()), v.Elem().Elem().FieldByName("Value")
}
