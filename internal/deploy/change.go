package deploy

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// An Action is the planned change of a part.
type Action string

// The actions. None means that the part is as configured.
const (
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace" // delete a failed part and create it again
	Delete  Action = "delete"
	None    Action = "none"
)

// The kinds of parts.
const (
	KindStack    = "stack"
	KindStackSet = "stack set"
	KindObject   = "object"
)

// A Change is the planned change of one part, as plain data.
type Change struct {
	Kind       string           `json:"kind"`
	Name       string           `json:"name"`
	Account    string           `json:"account"` // that it belongs to
	Region     string           `json:"region"`
	Action     Action           `json:"action"`
	Resources  []ResourceChange `json:"resources,omitempty"`
	Parameters []Setting        `json:"parameters,omitempty"`
	Targets    []string         `json:"targets,omitempty"`   // of a stack set: roots and organizational units
	Instances  []Instance       `json:"instances,omitempty"` // of a stack set: those that are out of date or missing
	Notes      []string         `json:"notes,omitempty"`
}

// A ResourceChange is the planned change of one resource of a template.
type ResourceChange struct {
	Action  string   `json:"action"` // add, modify, replace, remove, import
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	What    []string `json:"what,omitempty"` // properties that change
	Perhaps bool     `json:"perhaps,omitempty"`
}

// A Setting is a parameter of a template that changes.
type Setting struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// An Instance is the stack of a stack set in one account and Region.
type Instance struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Status  string `json:"status"` // CURRENT, OUTDATED, INOPERABLE…
	Why     string `json:"why,omitempty"`

	StackID string `json:"-"` // empty: it has no stack
}

// settings returns the parameters that differ, sorted by name.
func settings(before, after map[string]string) []Setting {
	var out []Setting
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if old, ok := before[name]; !ok || old != after[name] {
			out = append(out, Setting{Name: name, Before: old, After: after[name]})
		}
	}
	return out
}

// added returns every resource of a template as an addition.
func added(template []byte, place Place, values map[string]string) ([]ResourceChange, error) {
	resources, err := Resolve(template, place, values)
	if err != nil {
		return nil, err
	}
	var out []ResourceChange
	for _, r := range resources {
		out = append(out, ResourceChange{Action: "add", ID: r.ID, Type: r.Type})
	}
	return out, nil
}

// compared returns the differences between the resources of two templates, each
// with its parameters. A template that cannot be parsed counts as empty.
func compared(place Place, before []byte, old map[string]string, after []byte, values map[string]string) ([]ResourceChange, error) {
	now, err := Resolve(after, place, values)
	if err != nil {
		return nil, err
	}
	was, _ := Resolve(before, place, old)
	var out []ResourceChange
	for _, r := range now {
		i := slices.IndexFunc(was, func(w Resource) bool { return w.ID == r.ID && w.Type == r.Type })
		if i < 0 {
			out = append(out, ResourceChange{Action: "add", ID: r.ID, Type: r.Type})
		} else if what := differing(was[i].Properties, r.Properties); len(what) > 0 {
			out = append(out, ResourceChange{Action: "modify", ID: r.ID, Type: r.Type, What: what})
		}
	}
	for _, w := range was {
		if !slices.ContainsFunc(now, func(r Resource) bool { return w.ID == r.ID && w.Type == r.Type }) {
			out = append(out, ResourceChange{Action: "remove", ID: w.ID, Type: w.Type})
		}
	}
	return out, nil
}

// differing returns the names of the properties that differ.
func differing(before, after map[string]any) []string {
	names := maps.Clone(before)
	maps.Copy(names, after)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if canonical(before[name]) != canonical(after[name]) {
			out = append(out, name)
		}
	}
	return out
}

// canonical returns a value as JSON with sorted keys.
func canonical(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("deploy: " + err.Error()) // a value from YAML always marshals
	}
	return string(text)
}

// sameTemplate reports whether two templates have the same content.
func sameTemplate(a, b []byte) bool {
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && canonical(x) == canonical(y)
}

// valuesOf converts CloudFormation's parameters to a map.
func valuesOf(parameters []types.Parameter) map[string]string {
	out := map[string]string{}
	for _, p := range parameters {
		out[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	return out
}

// parametersOf converts a map to CloudFormation's parameters.
func parametersOf(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(values[name])})
	}
	return out
}

// resourceChange converts a change of a CloudFormation change set.
func resourceChange(r *types.ResourceChange) ResourceChange {
	out := ResourceChange{
		ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
		Action: map[types.ChangeAction]string{
			types.ChangeActionAdd: "add", types.ChangeActionModify: "modify", types.ChangeActionRemove: "remove",
			types.ChangeActionImport: "import", types.ChangeActionDynamic: "modify",
		}[r.Action],
		Perhaps: r.Action == types.ChangeActionDynamic || r.Replacement == types.ReplacementConditional,
	}
	if r.Replacement == types.ReplacementTrue {
		out.Action = "replace"
	}
	if out.Action == "" {
		out.Action = string(r.Action)
	}
	for _, d := range r.Details {
		if d.Target == nil {
			continue
		}
		name := aws.ToString(d.Target.Name)
		if name == "" {
			name = string(d.Target.Attribute)
		}
		if !slices.Contains(out.What, name) {
			out.What = append(out.What, name)
		}
	}
	slices.Sort(out.What)
	return out
}
