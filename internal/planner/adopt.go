package planner

import (
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/trust"
)

// requiresMFA reports whether a document denies requests without MFA, as the policies
// do that people wrote before forcemfa.
func requiresMFA(text string) bool {
	d, err := policy.Parse(policy.Identity, text)
	return err == nil && slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		return s.Effect == policy.Deny && len(trust.MFAConditions(&s)) > 0
	})
}

// adoptable reports whether a policy of the account that is not managed by forcemfa
// could be adopted: it requires MFA, and grants nothing except self-service.
func (s *accountState) adoptable(p *org.Policy) bool {
	text, read := p.DefaultDocument()
	return read && !org.ByAWS(p.ARN) && p.ARN != s.policyARN && requiresMFA(text) && len(document.BeyondSelfService(text)) == 0
}

// attachedAnywhere reports whether a user or a group has the policy.
func (s *accountState) attachedAnywhere(policyARN string) bool {
	return slices.ContainsFunc(s.account.Users, func(u org.User) bool { return slices.Contains(u.Attached, policyARN) }) ||
		slices.ContainsFunc(s.account.Groups, func(g org.Group) bool { return slices.Contains(g.Attached, policyARN) })
}

// proposals are the names of policies that the account has and the config could adopt,
// as [baseline.AdoptedName]. A policy with the name of the forcemfa policy comes first.
func (s *accountState) proposals() []string {
	var names []string
	for i := range s.account.Policies {
		if p := &s.account.Policies[i]; s.adoptable(p) && (baseline.NamedForceMFA(p) || s.attachedAnywhere(p.ARN)) {
			names = append(names, baseline.AdoptedName(p.ARN))
		}
	}
	return names
}

// propose notes the proposals of the account, unless everything is removed.
func (p *accountPlanner) propose() {
	if p.in.Remove {
		return
	}
	for _, name := range p.proposals() {
		p.remarks.proposed = merge(p.remarks.proposed, map[string][]string{name: {p.account.ID}})
	}
}

// merge adds the accounts of each name.
func merge(all, more map[string][]string) map[string][]string {
	for name, ids := range more {
		if all == nil {
			all = map[string][]string{}
		}
		all[name] = append(all[name], ids...)
	}
	return all
}

// adopts reports whether the policy of the account was written by somebody else, so
// that its update is an adoption.
func (s *accountState) adopts() bool {
	return s.policy != nil && s.drifted && s.current.Fingerprint == "" &&
		s.policyARN != baseline.PolicyARN(s.account.Partition, s.account.ID)
}

// blockAdoption keeps forcemfa from replacing a document that grants more than
// self-service: its users would lose permissions that no forcemfa document grants.
func (p *accountPlanner) blockAdoption() (why, remedy string) {
	if !p.adopts() {
		return "", ""
	}
	if more := document.BeyondSelfService(p.current.Document); len(more) > 0 {
		return "it also grants " + prose.Few(more) + ", which no forcemfa document grants",
			"move these statements into another policy, attach it to the same users and groups, then plan again"
	}
	return "", ""
}

// remarkAdoption notes what the update of the policy takes away: actions that only the
// old document grants, the tag of another tool, and the version that makes room for the
// new one.
func (p *accountPlanner) remarkAdoption(want *plan.State) {
	name := baseline.AdoptedName(p.policyARN)
	if p.adopts() {
		p.remarks.adopted = map[string][]string{name: {p.account.ID}}
		for _, action := range document.NotGranted(p.current.Document, p.document) {
			if !slices.Contains(p.remarks.revoked, action) {
				p.remarks.revoked = append(p.remarks.revoked, action)
			}
		}
	}
	if by := p.current.ManagedBy; by != "" && want.Fingerprint != p.current.Fingerprint {
		p.remarks.retagged = map[string][]string{baseline.ManagedByTag + "=" + by + " of the policy " + name: {p.account.ID}}
	}
	if oldest := p.oldestVersion(); oldest != "" {
		p.remarks.dropped = map[string][]string{oldest + " of " + name: {p.account.ID}}
	}
}

// oldestVersion is the version that an update deletes, because the policy has as many
// as it can have: the oldest one that is not the default.
// Source: IAM API Reference, CreatePolicyVersion.
func (s *accountState) oldestVersion() string {
	if s.policy == nil || len(s.current.Versions) < s.quotas.VersionsPerPolicy {
		return ""
	}
	for _, id := range s.current.Versions { // oldest first
		if id != s.policy.Default {
			return id
		}
	}
	return ""
}

// adoptionNotes are the sentences on policies that the plan adopts, or that the config
// could adopt.
func (r *remarks) adoptionNotes() []string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(r.adopted)) {
		said = append(said, "the policy "+name+" is adopted in place, with its attachments, in "+accounts(r.adopted[name])+"; rollback restores the former document")
	}
	if len(r.revoked) > 0 {
		slices.Sort(r.revoked)
		said = append(said, "the adopted policies no longer grant "+strings.Join(r.revoked, ", ")+"; policy: {self_service: full} keeps one's own credentials manageable with MFA")
	}
	for _, tag := range slices.Sorted(maps.Keys(r.retagged)) {
		said = append(said, "the tag "+tag+" is replaced by "+baseline.ManagedBy+", and restored by rollback, in "+accounts(r.retagged[tag])+
			": find out whether that tool would write its own document again")
	}
	for _, version := range slices.Sorted(maps.Keys(r.dropped)) {
		said = append(said, "version "+version+" is deleted to make room for a new one, and restored by rollback, in "+accounts(r.dropped[version]))
	}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(r.proposed)) {
		if !strings.EqualFold(name[strings.LastIndexByte(name, '/')+1:], baseline.PolicyName) {
			others = append(others, name)
			continue
		}
		said = append(said, "the policy "+name+" requires MFA in "+accounts(r.proposed[name])+" and is not managed by forcemfa: to adopt it, plan with --adopt "+name+
			", or add adopt: ["+name+"] to the config file")
	}
	if len(others) > 0 {
		said = append(said, "policies that require MFA and are not managed by forcemfa: "+prose.Few(others)+"; --adopt takes one over")
	}
	return said
}

func accounts(ids []string) string {
	if len(ids) == 1 {
		return "account " + ids[0]
	}
	return prose.Number(len(ids)) + " accounts (" + prose.Few(ids) + ")"
}

// adoptRemedy is what to do about an account whose policy of this name could be
// adopted; empty when there is none.
func (s *accountState) adoptRemedy() string {
	for i := range s.account.Policies {
		if p := &s.account.Policies[i]; baseline.NamedForceMFA(p) && s.adoptable(p) {
			return "plan with --adopt " + baseline.AdoptedName(p.ARN) + ", which takes over the existing policy"
		}
	}
	return ""
}
