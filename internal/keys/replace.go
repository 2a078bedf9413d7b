package keys

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/impact"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// A Pattern is how far a replacement document goes beyond the recorded calls.
type Pattern string

// The patterns, the narrowest first.
const (
	PatternRegion  Pattern = "region"  // the recorded actions, each in the Regions in which it was recorded
	PatternAction  Pattern = "action"  // the recorded actions in every Region
	PatternService Pattern = "service" // every action of the recorded services in the recorded Regions
)

// Patterns are all patterns.
func Patterns() []string {
	return []string{string(PatternRegion), string(PatternAction), string(PatternService)}
}

// A Replacement is the document that allows a role what a key did.
type Replacement struct {
	Document string  `json:"document"`
	Pattern  Pattern `json:"pattern"`
	Calls    int     `json:"calls"`    // recorded
	Distinct int     `json:"distinct"` // actions and Regions
	// Allowed are the actions of the catalog that the document allows in some Region, and
	// Refused those that it allows nowhere.
	Allowed  int      `json:"allowed"`
	Refused  int      `json:"refused"`
	Unmapped []string `json:"unmapped"` // recorded actions that the catalog does not have
}

// A statement is what the document allows in the same Regions on the same resources.
type statement struct {
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Replace makes the document for the recorded calls of a key and proves it: it allows each
// of them, and nothing beyond the pattern. roles are the roles that the key assumed; with
// them, sts:AssumeRole is allowed on these alone.
func Replace(calls []impact.Recorded, roles []string, p Pattern) (*Replacement, error) {
	r := &Replacement{Pattern: p, Distinct: len(calls), Unmapped: []string{}}
	for _, c := range calls {
		r.Calls += c.Count
		if !c.Known && !slices.Contains(r.Unmapped, c.Action) {
			r.Unmapped = append(r.Unmapped, c.Action)
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements(calls, roles, p)}, "", "  ")
	if err != nil {
		return nil, err
	}
	r.Document = string(text)
	return r, r.prove(calls, roles)
}

// statements groups the actions by their Regions.
func statements(calls []impact.Recorded, roles []string, p Pattern) []statement {
	regions := map[string][]string{}
	for _, c := range calls {
		action := c.Action
		if p == PatternService {
			service, _, _ := strings.Cut(action, ":")
			action = service + ":*"
		}
		if !slices.Contains(regions[action], c.Region) {
			regions[action] = append(regions[action], c.Region)
		}
	}
	groups := map[string]*statement{}
	for _, action := range slices.Sorted(maps.Keys(regions)) {
		in := regions[action]
		slices.Sort(in)
		s := statement{Effect: "Allow", Resource: []string{"*"}}
		if action == assumeRole && len(roles) > 0 {
			s.Resource = roles
		}
		if p != PatternAction && !slices.Contains(in, "") {
			s.Condition = map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": in}}
		}
		key := fmt.Sprint(s.Resource, s.Condition)
		if groups[key] == nil {
			groups[key] = &s
		}
		groups[key].Action = append(groups[key].Action, action)
	}
	out := make([]statement, 0, len(groups))
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, *groups[key])
	}
	return out
}

const assumeRole = "sts:AssumeRole"

// elsewhere is a Region in which nothing was recorded.
const elsewhere = "xx-nowhere-1"

// prove decides every recorded call, and every action of the catalog in every recorded
// Region and elsewhere, by the document.
func (r *Replacement) prove(calls []impact.Recorded, roles []string) error {
	set := &policy.Set{Identity: []policy.Source{policy.ParseSource("replacement", policy.Identity, r.Document)}}
	if err := set.Identity[0].Err; err != nil {
		return fmt.Errorf("the replacement document: %w", err)
	}
	regions, recorded := []string{elsewhere}, map[string]bool{}
	for _, c := range calls {
		for _, resource := range resourcesOf(c.Action, roles) {
			if !allows(set, c.Action, resource, c.Region) {
				return fmt.Errorf("the replacement document refuses the recorded call %s in %s", c.Action, c.Region)
			}
		}
		if !slices.Contains(regions, c.Region) {
			regions = append(regions, c.Region)
		}
		recorded[r.Pattern.covers(c)] = true
	}
	for _, service := range catalog.Load().Services {
		for _, a := range service.Actions {
			in, err := r.allowedIn(set, a.String(), regions, recorded, roles)
			if err != nil {
				return err
			}
			if in > 0 {
				r.Allowed++
			} else {
				r.Refused++
			}
		}
	}
	return nil
}

// allowedIn counts the Regions in which the document allows an action. An action beyond
// the pattern is an error.
func (r *Replacement) allowedIn(set *policy.Set, action string, regions []string, recorded map[string]bool, roles []string) (n int, err error) {
	for _, region := range regions {
		for _, resource := range append(resourcesOf(action, roles), otherRoles(roles)...) {
			if !allows(set, action, resource, region) {
				continue
			}
			n++
			if beyond := r.Pattern != PatternService && action == assumeRole && len(roles) > 0 && !slices.Contains(roles, resource); beyond || !r.Pattern.within(action, region, recorded) {
				return n, fmt.Errorf("the replacement document allows %s on %s in %s, which was not recorded", action, resource, region)
			}
		}
	}
	return n, nil
}

// resourcesOf are the resources on which a call was recorded, as far as is known.
func resourcesOf(action string, roles []string) []string {
	if action == assumeRole && len(roles) > 0 {
		return slices.Clone(roles)
	}
	return []string{"*"}
}

// otherRoles are roles that were not assumed, one in each account of those that were.
func otherRoles(roles []string) []string {
	out := []string{"arn:aws:iam::000000000000:role/forcemfa-unnamed"}
	for _, r := range roles {
		if account, _, ok := strings.Cut(r, ":role/"); ok {
			out = append(out, account+":role/forcemfa-unnamed")
		}
	}
	return out
}

// unit is what the pattern treats alike: an action or all of a service, in one Region or
// in every Region (*).
func (p Pattern) unit(action, region string) string {
	action = strings.ToLower(action)
	if p == PatternService {
		action, _, _ = strings.Cut(action, ":")
	}
	return action + " " + region
}

// covers is the unit of a recorded call.
func (p Pattern) covers(c impact.Recorded) string {
	if p == PatternAction || c.Region == "" {
		return p.unit(c.Action, "*")
	}
	return p.unit(c.Action, c.Region)
}

// within reports whether a pattern allows an action in a Region.
func (p Pattern) within(action, region string, recorded map[string]bool) bool {
	return recorded[p.unit(action, region)] || recorded[p.unit(action, "*")]
}

// trustsAll is a trust policy that leaves the decision to the document.
var trustsAll = []policy.Source{policy.ParseSource("trust policy", policy.Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}}`)}

func allows(set *policy.Set, action, resource, region string) bool {
	c := new(policy.Context)
	if region != "" {
		c.Set("aws:RequestedRegion", region)
	}
	r := &policy.Request{Principal: policy.Principal{Kind: policy.IAMUser, Account: "000000000000", ARN: "arn:aws:iam::000000000000:user/proof"}, Action: action, Resource: resource, Context: c}
	if action == assumeRole {
		r.Policies = trustsAll
	}
	return set.Decide(r).Verdict == policy.Allowed
}
