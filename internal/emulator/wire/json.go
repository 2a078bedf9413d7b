package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
)

func (c *Codec) decodeJSON(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return serialization("the body is not a JSON object: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return serialization("the JSON object is followed by other data")
	}
	return c.fromJSON(tree, reflect.ValueOf(in).Elem(), "")
}

func (c *Codec) fromJSON(x any, v reflect.Value, path string) error {
	if x == nil {
		return nil
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return c.fromJSON(x, v.Elem(), path)
	case v.Kind() == reflect.Interface:
		return c.unionFromJSON(x, v, path)
	case v.Type() == timeType || isBlob(v.Type()):
		return scalarFromJSON(x, v, path)
	case v.Kind() == reflect.Struct:
		return c.structFromJSON(x, v, path)
	case v.Kind() == reflect.Slice:
		return c.listFromJSON(x, v, path)
	case v.Kind() == reflect.Map:
		return c.mapFromJSON(x, v, path)
	}
	return scalarFromJSON(x, v, path)
}

func (c *Codec) structFromJSON(x any, v reflect.Value, path string) error {
	object, ok := x.(map[string]any)
	if !ok {
		return serialization("%s must be an object", path)
	}
	for name, value := range object {
		f, ok := field(v, name)
		if !ok {
			return serialization("the member %s is not recognized", dotted(path, name))
		}
		if err := c.fromJSON(value, f, dotted(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// unionFromJSON reads the only member of a union.
func (c *Codec) unionFromJSON(x any, v reflect.Value, path string) error {
	object, ok := x.(map[string]any)
	if !ok || len(object) != 1 {
		return serialization("%s must be an object with exactly one member", path)
	}
	for name, value := range object {
		u, ok := c.union(v.Type(), name)
		if !ok {
			return serialization("the member %s is not recognized", dotted(path, name))
		}
		v.Set(u)
		return c.fromJSON(value, u.Elem().FieldByName("Value"), dotted(path, name))
	}
	return nil
}

func (c *Codec) listFromJSON(x any, v reflect.Value, path string) error {
	array, ok := x.([]any)
	if !ok {
		return serialization("%s must be an array", path)
	}
	out := reflect.MakeSlice(v.Type(), len(array), len(array))
	for i, item := range array {
		if err := c.fromJSON(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (c *Codec) mapFromJSON(x any, v reflect.Value, path string) error {
	object, ok := x.(map[string]any)
	if !ok {
		return serialization("%s must be an object", path)
	}
	out := reflect.MakeMap(v.Type())
	for name, item := range object {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := c.fromJSON(item, value, dotted(path, name)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), value)
	}
	v.Set(out)
	return nil
}

func scalarFromJSON(x any, v reflect.Value, path string) error {
	var err error
	switch x := x.(type) {
	case string:
		if v.Kind() != reflect.String && !isBlob(v.Type()) {
			return serialization("%s must not be a string", path)
		}
		err = parseScalar(v, x)
	case bool:
		if v.Kind() != reflect.Bool {
			return serialization("%s must not be a boolean", path)
		}
		v.SetBool(x)
	case json.Number:
		switch {
		case v.Type() == timeType:
			err = setEpoch(v, x)
		case v.CanInt() || v.CanFloat():
			err = parseScalar(v, x.String())
		default:
			return serialization("%s must not be a number", path)
		}
	default:
		return serialization("%s is a single value", path)
	}
	if err != nil {
		return serialization("%s: %v", path, err)
	}
	return nil
}

// setEpoch parses seconds since 1970, to the millisecond.
func setEpoch(v reflect.Value, x json.Number) error {
	seconds, err := x.Float64()
	if err != nil || math.Abs(seconds) > 1e11 {
		return fmt.Errorf("%s is not a time in seconds", x)
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
	return nil
}

func serialization(format string, a ...any) error {
	return &smithy.GenericAPIError{Code: "SerializationException", Message: fmt.Sprintf(format, a...), Fault: smithy.FaultClient}
}

func (c *Codec) encodeJSON(out any) []byte {
	var b bytes.Buffer
	v := reflect.Indirect(reflect.ValueOf(out))
	if !v.IsValid() {
		return []byte("{}")
	}
	b.WriteByte('{')
	first := true
	for _, m := range members(v.Type()) {
		f := v.Field(m.index)
		if f.Kind() == reflect.Slice && f.IsNil() && !isBlob(f.Type()) {
			f = reflect.MakeSlice(f.Type(), 0, 0) // clients rely on the list being present
		}
		c.writeJSONMember(&b, &first, m.name, f)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (c *Codec) writeJSONMember(b *bytes.Buffer, first *bool, name string, v reflect.Value) {
	if omitted(v) {
		return
	}
	if !*first {
		b.WriteByte(',')
	}
	*first = false
	quote(b, c.wireName(name))
	b.WriteByte(':')
	c.writeJSON(b, v)
}

func (c *Codec) writeJSON(b *bytes.Buffer, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer:
		c.writeJSON(b, v.Elem())
	case v.Kind() == reflect.Interface:
		name, value := unionMember(v)
		first := true
		b.WriteByte('{')
		c.writeJSONMember(b, &first, name, value)
		b.WriteByte('}')
	case v.Type() == timeType:
		b.WriteString(strconv.FormatFloat(float64(v.Interface().(time.Time).UnixMilli())/1000, 'f', -1, 64))
	case isBlob(v.Type()):
		quote(b, base64.StdEncoding.EncodeToString(v.Bytes()))
	case v.Kind() == reflect.Struct:
		c.writeJSONStruct(b, v)
	case v.Kind() == reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			c.writeJSON(b, v.Index(i))
		}
		b.WriteByte(']')
	case v.Kind() == reflect.Map:
		b.WriteByte('{')
		first := true
		for _, key := range sortedKeys(v) {
			c.writeJSONMember(b, &first, key.String(), v.MapIndex(key))
		}
		b.WriteByte('}')
	case v.Kind() == reflect.String:
		quote(b, v.String())
	default:
		b.WriteString(formatScalar(v))
	}
}

func (c *Codec) writeJSONStruct(b *bytes.Buffer, v reflect.Value) {
	b.WriteByte('{')
	first := true
	for _, m := range members(v.Type()) {
		c.writeJSONMember(b, &first, m.name, v.Field(m.index))
	}
	b.WriteByte('}')
}

func quote(b *bytes.Buffer, text string) {
	quoted, _ := json.Marshal(text) // a string always marshals
	b.Write(quoted)
}

// wireName returns the name of a member of an answer.
func (c *Codec) wireName(member string) string {
	for _, name := range c.Lowered {
		if name == "*" || name == member {
			return lowerFirst(member)
		}
	}
	return member
}
