// Package iac holds the wanted state of an organization as resources, and writes them
// as Terraform or CloudFormation, for people who change AWS by a pipeline alone.
//
// The resources are those that forcemfa manages now, changed by the steps of a plan.
// Exporting again after the pipeline ran therefore gives the same resources, and
// nothing that enforces MFA is destroyed because it is no longer in the files.
package iac

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Kind is a type of resource.
type Kind string

// The kinds of resources, in the order in which they are written.
const (
	Policy       Kind = "policy"        // Subject: policy ARN; Document
	Group        Kind = "group"         // Subject: group ARN
	GroupPolicy  Kind = "group-policy"  // Subject: group ARN; Object: policy ARN
	Membership   Kind = "membership"    // Subject: user ARN; Object: group name
	UserPolicy   Kind = "user-policy"   // Subject: user ARN; Object: policy ARN
	InlinePolicy Kind = "inline-policy" // Subject: user ARN; Object: policy name; Document
	Trust        Kind = "trust"         // Subject: role ARN; Document
	SCP          Kind = "scp"           // Subject: see document.SCPARN; Document
	SCPTarget    Kind = "scp-target"    // Subject: of the SCP; Object: ID of a root, unit or account
)

var kinds = []Kind{Policy, Group, GroupPolicy, Membership, UserPolicy, InlinePolicy, Trust, SCP, SCPTarget}

// kindOf is the kind of resource that a step changes. Tags of users are missing: a
// pipeline can only tag users that it manages as a whole.
var kindOf = map[plan.Op]Kind{
	plan.CreatePolicy: Policy, plan.UpdatePolicy: Policy, plan.RestorePolicy: Policy, plan.DeletePolicy: Policy,
	plan.CreateGroup: Group, plan.DeleteGroup: Group,
	plan.AttachGroupPolicy: GroupPolicy, plan.DetachGroupPolicy: GroupPolicy,
	plan.AddUserToGroup: Membership, plan.RemoveUserFromGroup: Membership,
	plan.AttachUserPolicy: UserPolicy, plan.DetachUserPolicy: UserPolicy,
	plan.PutUserPolicy: InlinePolicy, plan.DeleteUserPolicy: InlinePolicy,
	plan.UpdateTrust: Trust, plan.UpdateEntranceTrust: Trust,
	plan.CreateSCP: SCP, plan.UpdateSCP: SCP, plan.DeleteSCP: SCP,
	plan.AttachSCP: SCPTarget, plan.DetachSCP: SCPTarget,
}

// A Resource is one thing that must exist in AWS.
type Resource struct {
	Kind     Kind   `json:"kind"`
	Subject  string `json:"subject"`
	Object   string `json:"object,omitempty"`
	Document string `json:"document,omitempty"`
	ID       string `json:"id,omitempty"` // of an SCP that exists: p-…
	Exists   bool   `json:"exists"`       // it is in AWS already, possibly with another document
}

// Name is the name of the policy, group, user or role in Subject.
func (r *Resource) Name() string { return nameOf(r.Subject) }

// Path is the path of the policy, group, user or role in Subject.
func (r *Resource) Path() string {
	a, _ := arn.Parse(r.Subject)
	_, rest, _ := strings.Cut(a.Resource, "/")
	return "/" + strings.TrimSuffix(rest, a.Name())
}

func nameOf(text string) string {
	a, _ := arn.Parse(text)
	return a.Name()
}

func compare(a, b Resource) int {
	return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Object, b.Object))
}

// Organization is the ID of the unit that holds the service control policies.
const Organization = "organization"

// A Unit is an account, or the organization with its service control policies. Each is
// deployed by itself.
type Unit struct {
	ID        string     `json:"id"`      // of the account, or [Organization]
	Account   string     `json:"account"` // that the unit is deployed to
	Name      string     `json:"name"`
	Partition string     `json:"partition"`
	Resources []Resource `json:"resources"`
}

// Of are the resources of one kind.
func (u *Unit) Of(kind Kind) []Resource {
	var all []Resource
	for _, r := range u.Resources {
		if r.Kind == kind {
			all = append(all, r)
		}
	}
	return all
}

// A Held is a step of the plan that the resources leave out.
type Held struct {
	Step string `json:"step"` // its ID
	Why  string `json:"why"`
}

// A Wanted collects the wanted state of an organization.
type Wanted struct {
	header   *org.Header
	baseline *baseline.Baseline
	now      time.Time
	units    map[string]*Unit
	found    map[string]map[key]*Resource // by ID of the unit
	targets  map[string][]string          // IDs of the SCPs attached to a root, unit or account

	// Held are the steps that the resources leave out, in the order of the plan.
	Held []Held
	// Removed are resources that the plan removes and that exist. A pipeline removes
	// what it created itself, nothing else.
	Removed []Resource
}

type key struct {
	kind            Kind
	subject, object string
}

// New starts with an organization. Exemptions that have expired now are not part of its
// service control policies.
func New(header *org.Header, b *baseline.Baseline, now time.Time) *Wanted {
	w := &Wanted{header: header, baseline: b, now: now, units: map[string]*Unit{}, found: map[string]map[key]*Resource{}, targets: map[string][]string{}}
	for _, u := range header.Units {
		w.targets[u.ID] = u.SCPs
	}
	return w
}

// Add adds what forcemfa manages in an account. Accounts that were not read are left
// out, so that the files of an earlier export stay as they are.
func (w *Wanted) Add(a *org.Account) {
	w.targets[a.ID] = a.SCPs
	if !a.Read {
		return
	}
	w.units[a.ID], w.found[a.ID] = &Unit{ID: a.ID, Account: a.ID, Name: a.Name, Partition: a.Partition}, map[key]*Resource{}
	w.addPolicy(a)
	for i := range a.Users {
		w.addUser(a, &a.Users[i])
	}
	for i := range a.Roles {
		if r := &a.Roles[i]; w.baseline.Trust.MFA && requiresMFA(r.Trust) {
			w.there(a.ID, Resource{Kind: Trust, Subject: r.ARN, Document: r.Trust})
		}
	}
}

func (w *Wanted) addPolicy(a *org.Account) {
	policyARN := w.baseline.PolicyOf(a)
	if p := a.Policy(policyARN); p != nil {
		text, _ := p.DefaultDocument()
		w.there(a.ID, Resource{Kind: Policy, Subject: policyARN, Document: canonical(text, w.baseline.Document(a.Partition))})
	}
	for i := range a.Groups {
		g := &a.Groups[i]
		if g.ARN == baseline.GroupARN(a.Partition, a.ID) {
			w.there(a.ID, Resource{Kind: Group, Subject: g.ARN})
		}
		if slices.Contains(g.Attached, policyARN) {
			w.there(a.ID, Resource{Kind: GroupPolicy, Subject: g.ARN, Object: policyARN})
		}
	}
}

func (w *Wanted) addUser(a *org.Account, u *org.User) {
	if w.found[a.ID][key{Group, baseline.GroupARN(a.Partition, a.ID), ""}] != nil && slices.Contains(u.Groups, baseline.GroupName) {
		w.there(a.ID, Resource{Kind: Membership, Subject: u.ARN, Object: baseline.GroupName})
	}
	if policyARN := w.baseline.PolicyOf(a); slices.Contains(u.Attached, policyARN) {
		w.there(a.ID, Resource{Kind: UserPolicy, Subject: u.ARN, Object: policyARN})
	}
	for _, p := range u.Inline {
		if p.Name == baseline.InlinePolicyName && document.CanBeManaged(p.Document) {
			text := canonical(p.Document, w.baseline.Document(a.Partition), w.baseline.DenyDocument(a.Partition))
			w.there(a.ID, Resource{Kind: InlinePolicy, Subject: u.ARN, Object: p.Name, Document: text})
		}
	}
}

// canonical is a document as forcemfa writes it, if it is one of those that forcemfa
// wants: services store the members of a document in an order of their own, and files
// that are exported again must not change by that.
func canonical(text string, wanted ...string) string {
	for _, document := range wanted {
		if document != "" && plan.SameDocument(text, document) {
			return document
		}
	}
	return text
}

// requiresMFA reports whether a statement of a trust policy has a condition on MFA.
func requiresMFA(text string) bool {
	d, err := policy.Parse(policy.Trust, text)
	return err == nil && slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent") })
	})
}

// there adds a resource that exists.
func (w *Wanted) there(unit string, r Resource) {
	r.Exists = true
	w.found[unit][key{r.Kind, r.Subject, r.Object}] = &r
}

// addSCPs adds the service control policies that forcemfa manages, with their targets.
func (w *Wanted) addSCPs() {
	o := w.header.Organization
	w.units[Organization] = &Unit{ID: Organization, Account: o.ManagementAccount, Name: o.ID, Partition: w.header.Partition}
	w.found[Organization] = map[key]*Resource{}
	enforcing, _ := w.baseline.EnforceSCP(w.header.Partition, w.now) // an error leaves the document empty
	guarding, _ := w.baseline.GuardSCP(w.header.Partition)
	for _, p := range w.header.SCPs {
		if p.Name != document.SCPName && p.Name != document.GuardName || !document.IsManagedSCP(p.Document) {
			continue
		}
		subject := document.SCPARN(w.header.Partition, o.ManagementAccount, o.ID, p.Name)
		w.there(Organization, Resource{Kind: SCP, Subject: subject, Document: canonical(p.Document, enforcing, guarding), ID: p.ID})
		for target, attached := range w.targets {
			if slices.Contains(attached, p.ID) {
				w.there(Organization, Resource{Kind: SCPTarget, Subject: subject, Object: target, ID: p.ID})
			}
		}
	}
}

// Apply changes the state by the steps of a plan that are not blocked, and returns the
// units, the organization first. whole: the organization and all its accounts were
// listed, so the targets of service control policies are known; otherwise the
// organization is left out.
func (w *Wanted) Apply(p *plan.Plan, whole bool) []*Unit {
	if whole && w.header.Organization != nil {
		w.addSCPs()
	}
	held := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if why := w.obstacle(s, held); why != "" {
			held[s.ID] = true
			w.Held = append(w.Held, Held{s.ID, why})
			continue
		}
		w.change(s)
	}
	var units []*Unit
	for _, id := range slices.Sorted(maps.Keys(w.units)) {
		u := w.units[id]
		if id == Organization && len(w.found[id]) == 0 {
			continue
		}
		u.Resources = []Resource{}
		for _, r := range w.found[id] {
			u.Resources = append(u.Resources, *r)
		}
		slices.SortFunc(u.Resources, compare)
		units = append(units, u)
	}
	slices.SortStableFunc(units, func(a, b *Unit) int { return rank(a) - rank(b) })
	return units
}

func rank(u *Unit) int {
	if u.ID == Organization {
		return 0
	}
	return 1
}

// obstacle says why the resources leave a step out.
func (w *Wanted) obstacle(s *plan.Step, held map[string]bool) string {
	if s.Blocked != "" {
		return s.Blocked
	}
	if _, ok := kindOf[s.Op]; !ok {
		return fmt.Sprintf("a tag of a user can only be set by code that manages the user: set %s there", tag(s))
	}
	if w.found[unitOf(s)] == nil {
		return "service control policies are exported only if the organization and all its accounts can be listed"
	}
	var needed []string
	for _, id := range s.Needs {
		if held[id] {
			needed = append(needed, id)
		}
	}
	if len(needed) > 0 {
		return "needs " + prose.Few(needed) + ", which is left out"
	}
	return ""
}

func tag(s *plan.Step) string {
	if s.Op == plan.UntagUser {
		return "no tag " + s.Object
	}
	return s.Object + "=" + s.Want.Value
}

func unitOf(s *plan.Step) string {
	if s.OfOrganization() {
		return Organization
	}
	return s.Account
}

// change makes a step in the collected state.
func (w *Wanted) change(s *plan.Step) {
	found, k := w.found[unitOf(s)], key{kindOf[s.Op], s.Subject, s.Object}
	r := found[k]
	switch {
	case !s.Want.Present && r != nil:
		w.Removed = append(w.Removed, *r)
		delete(found, k)
	case !s.Want.Present:
	case r == nil:
		found[k] = &Resource{Kind: k.kind, Subject: s.Subject, Object: s.Object, Document: s.Want.Document, Exists: k.kind == Trust, ID: w.scpID(s)}
	default:
		r.Document = s.Want.Document
	}
}

// scpID is the ID of the existing policy of a step on service control policies.
func (w *Wanted) scpID(s *plan.Step) string {
	if r := w.found[Organization][key{SCP, s.Subject, ""}]; s.OfOrganization() && r != nil {
		return r.ID
	}
	return ""
}
