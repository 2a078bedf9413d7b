package wire

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"
	"strconv"
)

// Requirements lists the required members of request structs by type name.
type Requirements map[string][]string

// ParseRequirements parses lines of a type name and the names of its required
// members: "Tag Key Value".
func ParseRequirements(r io.Reader) (Requirements, error) {
	out := Requirements{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || out[fields[0]] != nil {
			return nil, fmt.Errorf("read required members: line %q: want a type, once, and its members", lines.Text())
		}
		out[fields[0]] = fields[1:]
	}
	return out, lines.Err()
}

// missing returns the error for missing required members.
// Source: the text of IAM's and STS's responses.
func (c *Codec) missing(in any) error {
	if c.Required == nil {
		return nil
	}
	paths := c.Required.absent(reflect.ValueOf(in).Elem(), "", nil)
	if len(paths) == 0 {
		return nil
	}
	code := c.MissingCode
	switch {
	case code != "":
		return &smithy.GenericAPIError{Code: code, Message: "You must include a value for all required parameters: " + strings.Join(paths, ", "), Fault: smithy.FaultClient}
	case c.Protocol.JSON():
		code = "ValidationException"
	default:
		code = "ValidationError"
	}
	return &smithy.GenericAPIError{Code: code, Message: nullMessage(paths), Fault: smithy.FaultClient}
}

func nullMessage(paths []string) string {
	noun := " validation errors detected: "
	if len(paths) == 1 {
		noun = " validation error detected: "
	}
	out := make([]string, len(paths))
	for i, path := range paths {
		out[i] = "Value at '" + path + "' failed to satisfy constraint: Member must not be null"
	}
	return strconv.Itoa(len(paths)) + noun + strings.Join(out, "; ")
}

func (r Requirements) absent(v reflect.Value, path string, found []string) []string {
	switch {
	case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil():
		return r.absent(v.Elem(), path, found)
	case v.Kind() == reflect.Slice && !isBlob(v.Type()):
		for i := range v.Len() {
			found = r.absent(v.Index(i), fmt.Sprintf("%s.%d.member", path, i+1), found)
		}
	case v.Kind() == reflect.Map:
		for _, key := range sortedKeys(v) {
			found = r.absent(v.MapIndex(key), path+"."+key.String(), found)
		}
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		return r.absentMembers(v, path, found)
	}
	return found
}

func (r Requirements) absentMembers(v reflect.Value, path string, found []string) []string {
	for _, name := range r[v.Type().Name()] {
		if f := v.FieldByName(name); f.IsValid() && omitted(f) {
			found = append(found, dotted(path, lowerFirst(name)))
		}
	}
	for _, m := range members(v.Type()) {
		found = r.absent(v.Field(m.index), dotted(path, lowerFirst(m.name)), found)
	}
	return found
}
