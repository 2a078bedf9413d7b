package wire

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// maxParameters limits a query; IAM's largest inputs have a few thousand
// parameters.
const maxParameters = 20_000

// A node is a parameter, or the parameters whose names continue after a dot.
type node struct {
	value string
	leaf  bool
	kids  map[string]*node
}

// Parameters that are not members of the input: the call itself and the
// signature of a presigned query.
func isEnvelope(name string) bool {
	switch name {
	case "Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "SecurityToken":
		return true
	}
	return len(name) > 6 && strings.EqualFold(name[:6], "X-Amz-")
}

func (c *Codec) decodeQuery(form url.Values, in any) error {
	root, err := tree(form)
	if err != nil {
		return err
	}
	return c.read(root, reflect.ValueOf(in).Elem(), "")
}

func tree(form url.Values) (*node, error) {
	if len(form) > maxParameters {
		return nil, malformedQuery("the query has more than %d parameters", maxParameters)
	}
	root := &node{}
	for name, values := range form {
		if isEnvelope(name) {
			continue
		}
		if len(values) != 1 {
			return nil, malformedQuery("the parameter %s appears %d times", name, len(values))
		}
		if err := root.add(name, values[0]); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (n *node) add(name, value string) error {
	parts := strings.Split(name, ".")
	if len(parts) > 32 || slices.Contains(parts, "") {
		return malformedQuery("%q is not the name of a parameter", name)
	}
	for _, part := range parts {
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		if n.kids[part] == nil {
			n.kids[part] = &node{}
		}
		n = n.kids[part]
	}
	n.value, n.leaf = value, true
	return nil
}

func (c *Codec) read(n *node, v reflect.Value, path string) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return c.read(n, v.Elem(), path)
	case v.Kind() == reflect.Interface:
		return c.readUnion(n, v, path)
	case v.Type() == timeType || isBlob(v.Type()):
		return n.scalar(v, path)
	case v.Kind() == reflect.Struct:
		return c.readStruct(n, v, path)
	case v.Kind() == reflect.Slice:
		return c.readList(n, v, path)
	case v.Kind() == reflect.Map:
		return c.readMap(n, v, path)
	}
	return n.scalar(v, path)
}

func (c *Codec) readStruct(n *node, v reflect.Value, path string) error {
	if n.leaf {
		return malformedQuery("%s is a structure and has no value of its own", path)
	}
	for name, kid := range n.kids {
		f, ok := field(v, name)
		if !ok {
			return malformedQuery("the parameter %s is not recognized", dotted(path, name))
		}
		if err := c.read(kid, f, dotted(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// readUnion reads the only member of a union.
func (c *Codec) readUnion(n *node, v reflect.Value, path string) error {
	if n.leaf || len(n.kids) != 1 {
		return malformedQuery("%s needs exactly one member", path)
	}
	for name, kid := range n.kids {
		u, ok := c.union(v.Type(), name)
		if !ok {
			return malformedQuery("the parameter %s is not recognized", dotted(path, name))
		}
		v.Set(u)
		return c.read(kid, u.Elem().FieldByName("Value"), dotted(path, name))
	}
	return nil
}

func (c *Codec) readList(n *node, v reflect.Value, path string) error {
	items, err := n.numbered("member", path)
	if err != nil {
		return err
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := c.read(item, out.Index(i), fmt.Sprintf("%s.member.%d", path, i+1)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (c *Codec) readMap(n *node, v reflect.Value, path string) error {
	entries, err := n.numbered("entry", path)
	if err != nil {
		return err
	}
	out := reflect.MakeMap(v.Type())
	for i, entry := range entries {
		path := fmt.Sprintf("%s.entry.%d", path, i+1)
		if entry.kids["key"] == nil || entry.kids["value"] == nil || len(entry.kids) != 2 {
			return malformedQuery("%s needs a key and a value", path)
		}
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := c.read(entry.kids["key"], key, path+".key"); err != nil {
			return err
		}
		if err := c.read(entry.kids["value"], value, path+".value"); err != nil {
			return err
		}
		out.SetMapIndex(key, value)
	}
	v.Set(out)
	return nil
}

// numbered returns the items of a list or map in the order of their numbers. An
// empty list is sent as a parameter without a value.
func (n *node) numbered(name, path string) ([]*node, error) {
	if n.leaf && n.value == "" && n.kids == nil {
		return nil, nil
	}
	items := n.kids[name]
	if n.leaf || items == nil || items.leaf || len(n.kids) != 1 {
		return nil, malformedQuery("%s is not a list: want %s.%s.1", path, path, name)
	}
	numbers := make([]int, 0, len(items.kids))
	for text := range items.kids {
		i, err := strconv.Atoi(text)
		if err != nil || i < 1 || strconv.Itoa(i) != text {
			return nil, malformedQuery("%s.%s.%s: want a number from 1", path, name, text)
		}
		numbers = append(numbers, i)
	}
	slices.Sort(numbers)
	out := make([]*node, len(numbers))
	for i, number := range numbers {
		out[i] = items.kids[strconv.Itoa(number)]
	}
	return out, nil
}

func (n *node) scalar(v reflect.Value, path string) error {
	if !n.leaf || n.kids != nil {
		return malformedQuery("%s is a single value", path)
	}
	if err := parseScalar(v, n.value); err != nil {
		return &smithy.GenericAPIError{Code: "MalformedInput", Message: fmt.Sprintf("%s: %v", path, err), Fault: smithy.FaultClient}
	}
	return nil
}

func parseScalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == timeType:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fmt.Errorf("%q is not a date of ISO 8601", text)
		}
		v.Set(reflect.ValueOf(t.UTC()))
	case isBlob(v.Type()):
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("not base64")
		}
		v.SetBytes(b)
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number of %d bits", text, v.Type().Bits())
		}
		v.SetInt(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("a %s cannot be read", v.Type())
	}
	return nil
}

func dotted(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func malformedQuery(format string, a ...any) error {
	return &smithy.GenericAPIError{Code: "MalformedQueryString", Message: fmt.Sprintf(format, a...), Fault: smithy.FaultClient}
}
