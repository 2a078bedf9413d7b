// Package terraform translates the CloudFormation templates of deploy into a
// Terraform module with the same resources, so that the two cannot drift.
package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Module translates a template into the text of a Terraform module in one file:
// parameters become variables, conditions locals, resources those of the AWS
// provider (version 5 or later), and outputs outputs. It returns an error for a part
// of the template that has no translation. DeletionPolicy has none: Terraform keeps
// what must stay because IAM refuses to delete a group with members.
func Module(template []byte) (string, error) {
	var whole map[string]any
	if err := yaml.Unmarshal(template, &whole); err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	t := &translator{parameters: section(whole, "Parameters"), mappings: section(whole, "Mappings"), conditions: section(whole, "Conditions"), resources: section(whole, "Resources")}
	w := &writer{}
	w.line("# %s", strings.ReplaceAll(strings.TrimSpace(fmt.Sprint(whole["Description"])), "\n", "\n# "))
	w.line("#\n# Translated from the CloudFormation template of `forcemfa deploy template`, by:\n#\n#   FORCEMFATEST_UPDATE=1 go test ./internal/deploy -run Terraform\n")
	w.line("terraform {\nrequired_version = \">= 1.5\"\nrequired_providers {\naws = {\nsource = \"hashicorp/aws\"\nversion = \">= 5.0\"\n}\n}\n}\n")
	w.line("data \"aws_partition\" \"current\" {}\ndata \"aws_caller_identity\" \"current\" {}\ndata \"aws_region\" \"current\" {}\n")
	for _, part := range []func(*writer) error{t.variables, t.locals, t.writeResources} {
		if err := part(w); err != nil {
			return "", err
		}
	}
	if err := t.outputs(w, section(whole, "Outputs")); err != nil {
		return "", err
	}
	return w.String(), nil
}

func section(whole map[string]any, name string) map[string]any {
	m, _ := whole[name].(map[string]any)
	return m
}

func (t *translator) variables(w *writer) error {
	for _, name := range slices.Sorted(maps.Keys(t.parameters)) {
		p, _ := t.parameters[name].(map[string]any)
		w.line("variable %q {", snake(name))
		w.line("description = %s", quote(strings.TrimSpace(fmt.Sprint(p["Description"]))))
		kind := "string"
		if p["Type"] == "Number" {
			kind = "number"
		}
		w.line("type = %s", kind)
		if value, ok := p["Default"]; ok {
			text, err := t.expression(value)
			if err != nil {
				return fmt.Errorf("parameter %s: %w", name, err)
			}
			w.line("default = %s", text)
		}
		if err := t.validations(w, name, p); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		w.line("}\n")
	}
	return nil
}

// validations writes the limits of a parameter.
func (t *translator) validations(w *writer, name string, p map[string]any) error {
	value := "var." + snake(name)
	check := func(condition, message string) {
		w.line("validation {\ncondition = %s\nerror_message = %s\n}", condition, quote(message))
	}
	if pattern, ok := p["AllowedPattern"].(string); ok {
		check(fmt.Sprintf("can(regex(%s, %s))", quote(pattern), value), snake(name)+" must match "+pattern+".")
	}
	if values, ok := p["AllowedValues"].([]any); ok {
		list, err := t.list(values)
		if err != nil {
			return err
		}
		check(fmt.Sprintf("contains(%s, %s)", list, value), snake(name)+" must be one of "+strings.Trim(fmt.Sprint(values), "[]")+".")
	}
	if n, ok := p["MinLength"]; ok {
		check(fmt.Sprintf("length(%s) >= %v", value, n), fmt.Sprintf("%s must have at least %v characters.", snake(name), n))
	}
	least, hasLeast := p["MinValue"]
	most, hasMost := p["MaxValue"]
	if hasLeast && hasMost {
		check(fmt.Sprintf("%s >= %v && %s <= %v", value, least, value, most), fmt.Sprintf("%s must be %v to %v.", snake(name), least, most))
	}
	return nil
}

// locals writes mappings and conditions.
func (t *translator) locals(w *writer) error {
	w.line("locals {")
	for _, named := range []map[string]any{t.mappings, t.conditions} {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			text, err := t.expression(named[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			w.line("%s = %s", snake(name), text)
		}
	}
	w.line("}\n")
	return nil
}

func (t *translator) writeResources(w *writer) error {
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		r, _ := t.resources[id].(map[string]any)
		k, ok := kinds[fmt.Sprint(r["Type"])]
		if !ok {
			return fmt.Errorf("resource %s: type %v has no translation", id, r["Type"])
		}
		p := &properties{translator: t, w: w, values: section(r, "Properties"), id: snake(id), used: map[string]bool{}}
		if condition, ok := r["Condition"].(string); ok {
			p.count = local(condition)
		}
		k.write(p)
		for _, name := range slices.Sorted(maps.Keys(p.values)) {
			if p.err == nil && !p.used[name] {
				p.err = fmt.Errorf("property %s has no translation", name)
			}
		}
		if p.err != nil {
			return fmt.Errorf("resource %s: %w", id, p.err)
		}
	}
	return nil
}

func (t *translator) outputs(w *writer, outputs map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		o, _ := outputs[name].(map[string]any)
		text, err := t.expression(o["Value"])
		if err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
		w.line("output %q {", snake(name))
		if d, ok := o["Description"].(string); ok {
			w.line("description = %s", quote(d))
		}
		w.line("value = %s\n}\n", text)
	}
	return nil
}

// A writer collects lines of HCL.
type writer struct{ text strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

// String returns the text as terraform fmt formats it.
func (w *writer) String() string {
	return strings.TrimRight(string(hclwrite.Format([]byte(w.text.String()))), "\n") + "\n"
}
