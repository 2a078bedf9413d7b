package prove

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// statements are the statements of one effect in all documents of a set.
func statements(set *policy.Set, effect policy.Effect) []*policy.Statement {
	var out []*policy.Statement
	for _, d := range documents(set) {
		for i := range d.Statements {
			if d.Statements[i].Effect == effect {
				out = append(out, &d.Statements[i])
			}
		}
	}
	return out
}

// documents are those of a set that could be read.
func documents(set *policy.Set) []*policy.Document {
	var out []*policy.Document
	each(set, func(s *policy.Source) {
		if s.Document != nil {
			out = append(out, s.Document)
		}
	})
	return out
}

// each visits the sources of a set in a fixed order.
func each(set *policy.Set, visit func(*policy.Source)) {
	list := func(sources []policy.Source) {
		for i := range sources {
			visit(&sources[i])
		}
	}
	list(set.Identity)
	if set.Boundary != nil {
		visit(set.Boundary)
	}
	list(set.Session)
	for _, level := range set.SCPs {
		list(level)
	}
	for _, level := range set.RCPs {
		list(level)
	}
}

// A denial is a Deny statement whose action patterns are compiled.
type denial struct {
	statement *policy.Statement
	actions   []arn.Glob
	negated   bool
}

func denials(set *policy.Set) []denial {
	var out []denial
	for _, s := range statements(set, policy.Deny) {
		d := denial{statement: s, negated: len(s.NotActions) > 0}
		for _, pattern := range slices.Concat(s.Actions, s.NotActions) {
			d.actions = append(d.actions, arn.Compile(strings.ToLower(pattern)))
		}
		out = append(out, d)
	}
	return out
}

func (d *denial) meets(action string) bool {
	return slices.ContainsFunc(d.actions, func(g arn.Glob) bool { return g.MatchFold(action) }) != d.negated
}

// cells are the probes that tell the Denies of a set apart: for each service
// that they name one action of every combination of Denies that meet it and
// of resources that it has, on those resources and on the ones that the Denies
// name.
func (s *Subject) cells() []probe {
	denies := denials(s.Set)
	named := resources(denies)
	var out []probe
	for _, action := range s.representatives(denies) {
		own := natural(action)
		for _, resource := range own {
			out = append(out, probe{action, resource})
		}
		for _, resource := range named {
			if belongs(action, own, resource) {
				out = append(out, probe{action, resource})
			}
		}
	}
	return out
}

// representatives are the actions that cells needs.
func (s *Subject) representatives(denies []denial) []string {
	var out []string
	seen := map[string]bool{}
	add := func(action string) {
		key := s.signature(action, denies)
		if !seen[key] {
			seen[key] = true
			out = append(out, action)
		}
	}
	for _, action := range telling {
		add(action)
	}
	for _, prefix := range services(denies) {
		if service, ok := catalog.Load().Service(prefix); ok {
			for _, a := range service.Actions {
				add(a.String())
			}
		}
		add(prefix + ":Unnamed")
	}
	for _, d := range denies {
		for _, pattern := range slices.Concat(d.statement.Actions, d.statement.NotActions) {
			for _, action := range instances(pattern) {
				add(action)
			}
		}
	}
	return append(out, invented)
}

// signature is what decides about an action besides its resource and the
// condition keys.
func (s *Subject) signature(action string, denies []denial) string {
	bits := make([]byte, len(denies))
	for i := range denies {
		bits[i] = '-'
		if denies[i].meets(action) {
			bits[i] = '+'
		}
	}
	prefix, _, _ := strings.Cut(strings.ToLower(action), ":")
	key := append([]string{string(bits), prefix}, kinds(action)...)
	if lower := strings.ToLower(action); contains(s.Enrolment, lower) || notRequests[lower] || policy.Unconditional(action) {
		key = append(key, lower)
	}
	return strings.Join(key, " ")
}

// kinds are the names of the resource types of an action.
func kinds(action string) []string {
	a, ok := catalog.Load().Action(action)
	if !ok {
		return nil
	}
	names := make([]string, 0, len(a.Resources))
	for _, r := range a.Resources {
		if r.Required {
			names = append(names, r.Type.Name+"!")
		} else {
			names = append(names, r.Type.Name)
		}
	}
	return names
}

// services are the prefixes that the Denies name.
func services(denies []denial) []string {
	var out []string
	for _, d := range denies {
		for _, pattern := range slices.Concat(d.statement.Actions, d.statement.NotActions) {
			prefix, _, found := strings.Cut(strings.ToLower(pattern), ":")
			if found && !strings.ContainsAny(prefix, "*?") {
				out = append(out, prefix)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// resources are the resources that the Denies name.
func resources(denies []denial) []string {
	var out []string
	for _, d := range denies {
		for _, pattern := range slices.Concat(d.statement.Resources, d.statement.NotResources) {
			if resource, ok := instance(pattern); ok && !slices.Contains(out, resource) {
				out = append(out, resource)
			}
		}
	}
	return out
}

// belongs tells whether a request for the action, which has natural resources
// of its own, could be about the resource.
func belongs(action string, own []string, resource string) bool {
	prefix, _, _ := strings.Cut(strings.ToLower(action), ":")
	a, ok := arn.Split(resource)
	if !ok {
		return false
	}
	if _, known := catalog.Load().Action(action); !known {
		return a.Service == prefix
	}
	for _, template := range own {
		if t, ok := arn.Split(template); ok && t.Service == a.Service && sameKind(t.Resource, a.Resource) {
			return true
		}
	}
	return false
}

// sameKind compares the beginnings of two resource parts, up to a separator:
// user/… and user/…, but not user/… and group/…. A beginning that is a
// variable takes any.
func sameKind(template, resource string) bool {
	kind := func(s string) string { return s[:len(s)-len(strings.TrimLeft(s, kindChars))] }
	return strings.HasPrefix(template, "${") || kind(template) == kind(resource)
}

const kindChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// granted are the probes for what the Allows of a set name.
func granted(set *policy.Set) []probe {
	var out []probe
	for _, s := range statements(set, policy.Allow) {
		for _, pattern := range s.Actions {
			for _, action := range instances(pattern) {
				out = append(out, onNamed(s, action)...)
			}
		}
		for _, pattern := range s.Resources {
			if a, ok := arn.Split(pattern); ok && (slices.Contains(s.Actions, "*") || len(s.NotActions) > 0) {
				for _, action := range instances(a.Service + ":*") {
					out = append(out, onNamed(s, action)...)
				}
			}
		}
	}
	return out
}

// onNamed are the probes of an action on the resources of a statement.
func onNamed(s *policy.Statement, action string) []probe {
	var out []probe
	own := natural(action)
	for _, pattern := range s.Resources {
		if resource, ok := instance(pattern); ok && belongs(action, own, resource) {
			out = append(out, probe{action, resource})
		}
	}
	for _, resource := range own {
		out = append(out, probe{action, resource})
	}
	return out
}

// examples is how many actions stand for a pattern of an Allow.
const examples = 4

// instances are actions that a pattern matches: itself when it has no
// wildcard, else some of the table and of the catalogue, else one made up.
func instances(pattern string) []string {
	if pattern == "*" || pattern == "*:*" {
		return nil // the table stands for it
	}
	if !strings.ContainsAny(pattern, "*?") {
		return []string{pattern}
	}
	g := arn.Compile(strings.ToLower(pattern))
	var out []string
	for _, action := range telling {
		if g.MatchFold(action) && len(out) < examples {
			out = append(out, action)
		}
	}
	prefix, _, _ := strings.Cut(pattern, ":")
	if service, ok := catalog.Load().Service(prefix); ok {
		for _, a := range service.Actions {
			if len(out) < examples && g.MatchFold(a.String()) && !slices.Contains(out, a.String()) {
				out = append(out, a.String())
			}
		}
	}
	if len(out) == 0 {
		out = append(out, fill(pattern, "Unnamed"))
	}
	return out
}

// instance is a resource that a pattern matches, as a template. ok is false
// for a pattern that names none: * and what is not an ARN.
func instance(pattern string) (template string, ok bool) {
	a, ok := arn.Split(pattern)
	if !ok || strings.ContainsAny(a.Service, "*?") {
		return "", false
	}
	a.Partition = fit(a.Partition, "${Partition}")
	a.Region = fit(a.Region, "${Region}", "", "us-east-1", "eu-west-1")
	a.Account = fit(a.Account, "${Account}", "")
	if global[a.Service] {
		a.Region = ""
	}
	if a.Service == "s3" {
		a.Account = ""
	}
	a.Resource = fill(a.Resource, unnamed)
	return a.String(), true
}

// global are the services whose ARNs have no region.
var global = map[string]bool{
	"iam": true, "s3": true, "cloudfront": true, "route53": true, "organizations": true, "budgets": true, "globalaccelerator": true, "waf": true,
}

// fit is the first candidate that a part of an ARN pattern matches.
func fit(pattern string, candidates ...string) string {
	g := arn.Compile(pattern)
	if _, exact := g.Exact(); exact {
		return pattern
	}
	for _, c := range candidates {
		if g.Match(c) {
			return c
		}
	}
	return fill(pattern, "1")
}

// fill replaces the wildcards of a pattern outside of its variables.
func fill(pattern, word string) string {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "${")
		before = strings.ReplaceAll(before, "?", "x")
		out.WriteString(strings.ReplaceAll(before, "*", word))
		if !found {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		out.WriteString("${" + name + "}")
		pattern = after
	}
}
