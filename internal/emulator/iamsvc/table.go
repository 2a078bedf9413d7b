package iamsvc

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

// A spec describes an operation in the table, apart from its name and function.
type spec struct {
	on   resource // the resource that it acts on
	keys []key    // its condition keys
	also string   // a further action that must be allowed when the input has tags
	to   string   // member with a new name: the action must be allowed on the new ARN too
	with further  // a further permission that the operation needs; nil: none
}

// A resource returns the ARN that an operation must be allowed on, and adds the
// condition keys of the resource.
type resource func(c *operation.Call, in input) (found, error)

// A further permission of an operation, on another resource.
type further func(c *operation.Call, in input) (operation.Ask, error)

// A found resource.
type found struct {
	arn      string
	tags     map[string]string // aws:ResourceTag
	iamTags  bool              // iam:ResourceTag too: users and roles
	boundary string            // permissions boundary of the user or role
	owner    string            // of a delegation request: iam:DelegationRequestOwner
	policies []policy.Source   // that the resource has
}

// A key adds a condition key of the operation.
type key func(ctx *policy.Context, in input, on found)

func read[I, O any](name string, s spec, do func(*operation.Call, *I) (*O, error)) operation.Operation {
	s.mustFit(name, reflect.TypeFor[I]())
	return operation.Read(name, func(c *operation.Call, in *I) ([]operation.Ask, error) {
		return s.asks(name, c, inputOf(in))
	}, do)
}

func write[I, O any](name string, s spec, do func(*operation.Call, *I) (*O, error)) operation.Operation {
	op := read(name, s, do)
	op.Writes = true
	return op
}

// mustFit panics when the input is not that of the operation.
func (s spec) mustFit(name string, t reflect.Type) {
	if t.Name() != name+"Input" {
		panic(fmt.Sprintf("iamsvc: operation %s takes a %s", name, t.Name()))
	}
}

func (s spec) asks(name string, c *operation.Call, in input) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	on, err := s.on(c, in)
	if err != nil {
		return nil, err
	}
	context := func(ctx *policy.Context) {
		on.describe(ctx)
		for _, add := range s.keys {
			add(ctx, in, on)
		}
	}
	asks := []operation.Ask{{Action: "iam:" + name, Resource: on.arn, Policies: on.policies, Context: context}}
	if moved := s.moved(in, on); moved != on.arn {
		asks = append(asks, operation.Ask{Action: "iam:" + name, Resource: moved, Context: context})
	}
	if s.also != "" && len(in.tags()) > 0 {
		asks = append(asks, operation.Ask{Action: s.also, Resource: on.arn, Context: context})
	}
	if s.with == nil {
		return asks, nil
	}
	ask, err := s.with(c, in)
	return append(asks, ask), err
}

// moved is the ARN of the resource after the operation.
// Source: IAM User Guide, "Rename an IAM user": the caller needs the permission on
// both the source and the target.
func (s spec) moved(in input, on found) string {
	if s.to == "" {
		return on.arn
	}
	prefix, rest, _ := strings.Cut(on.arn, "/") // arn:…:user, path/name
	cut := strings.LastIndexByte(rest, '/') + 1
	path, name := "/"+rest[:cut], rest[cut:]
	if renamed, ok := in.text(s.to); ok {
		name = renamed
	}
	if moved, ok := in.text("NewPath"); ok {
		path = moved
	}
	return prefix + path + name
}

func (f found) describe(ctx *policy.Context) {
	if f.owner != "" {
		ctx.Set("iam:DelegationRequestOwner", f.owner)
	}
	for k, v := range f.tags {
		ctx.Set("aws:ResourceTag/"+k, v)
		if f.iamTags {
			ctx.Set("iam:ResourceTag/"+k, v)
		}
	}
}

// input reads members of an input struct by name. A member that the struct does
// not have counts as missing.
type input struct{ v reflect.Value }

func inputOf(in any) input { return input{reflect.ValueOf(in).Elem()} }

// text returns a string member; ok is false when it is missing.
func (in input) text(member string) (value string, ok bool) {
	f := in.v.FieldByName(member)
	if !f.IsValid() {
		return "", false
	}
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return "", false
		}
		f = f.Elem()
	}
	if f.Kind() != reflect.String {
		return "", false
	}
	return f.String(), true
}

func (in input) tags() []types.Tag {
	f := in.v.FieldByName("Tags")
	if !f.IsValid() {
		return nil
	}
	return f.Interface().([]types.Tag)
}

func (in input) tagKeys() []string {
	if f := in.v.FieldByName("TagKeys"); f.IsValid() {
		return f.Interface().([]string)
	}
	var keys []string
	for _, t := range in.tags() {
		keys = append(keys, *t.Key)
	}
	return keys
}
