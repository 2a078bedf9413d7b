package baseline

import (
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline/document"
	"forcemfa/policy/arn"
)

// Document is the ForceMFA policy in a partition, without white space: what
// self_service grants, and the Denies. The same baseline gives the same bytes.
func (b *Baseline) Document(partition string) string {
	return b.options(time.Time{}).ForceMFA(partition)
}

// DenyDocument is the Denies of [Baseline.Document] alone, for a user with
// no room for all of it.
func (b *Baseline) DenyDocument(partition string) string {
	return b.options(time.Time{}).Denies(partition)
}

// EnrollmentSet is the actions that the Denies leave open without MFA, sorted.
// Those that act on a user are open for the caller's own user alone.
func (b *Baseline) EnrollmentSet() []string { return b.options(time.Time{}).EnrollmentSet() }

// EnforceSCP is the service control policy that holds the Denies of
// [Baseline.Document] for every IAM user except those who are exempt now. The error
// is a [*document.InexpressibleError].
func (b *Baseline) EnforceSCP(partition string, now time.Time) (string, error) {
	return b.options(now).EnforceSCP(partition)
}

// GuardSCP is the service control policy that only the roles in except may change
// what forcemfa manages. The error is a [*document.InexpressibleError].
func (b *Baseline) GuardSCP(partition string) (string, error) {
	return b.options(time.Time{}).GuardSCP(partition)
}

// GuardedRoles are examples of the roles that the guard SCP protects in an account: for
// each ARN or glob one ARN that it matches.
func (b *Baseline) GuardedRoles(partition, account string) []string {
	var roles []string
	for _, pattern := range b.options(time.Time{}).GuardedRoles() {
		a, err := arn.Parse(pattern)
		if err != nil || !glob(a.Account, account) {
			continue
		}
		roles = append(roles, "arn:"+partition+":iam::"+account+":"+exampleText(a.Resource))
	}
	return roles
}

// Guards reports whether the guard SCP protects a role from everybody else.
func (b *Baseline) Guards(roleARN string) bool {
	a, err := arn.Parse(roleARN)
	return err == nil && slices.ContainsFunc(b.options(time.Time{}).GuardedRoles(), func(pattern string) bool {
		p, err := arn.Parse(pattern)
		return err == nil && glob(p.Account, a.Account) && glob(p.Resource, a.Resource)
	})
}

// options are what the documents are made from at a time.
func (b *Baseline) options(now time.Time) document.Options {
	o := document.Options{
		Policy: b.Policy, WindowTag: b.Window.Tag, WindowMark: DeviceByKeyTag, Networks: b.Window.Networks,
		Except: b.Guard.Except, Adopted: b.Adopt, AllGroups: b.Attach == AttachGroups,
	}
	for _, e := range b.Exemptions {
		m := e.Match
		o.Exemptions = append(o.Exemptions, document.Exemption{
			Tag: m.Tag, Name: m.Name, Path: m.Path, ARN: m.ARN, Account: m.Account, OU: m.OU,
			Text: m.String(), Expired: e.Expired(now),
		})
	}
	return o
}

// GuardPasses reports whether the guard lets a role through: its ARN is one of
// those that it excepts.
func (b *Baseline) GuardPasses(roleARN string) bool {
	a, err := arn.Parse(roleARN)
	if err != nil {
		return false
	}
	if name, session := strings.CutPrefix(a.Resource, "assumed-role/"); session {
		name, _, _ = strings.Cut(name, "/")
		a.Service, a.Resource = "iam", "role/"+name
	}
	return slices.ContainsFunc(b.Guard.Except, func(pattern string) bool {
		p, err := arn.Parse(pattern)
		return err == nil && glob(p.Account, a.Account) &&
			(glob(p.Resource, a.Resource) || a.Service == "iam" && glob("role/"+p.Name(), a.Resource))
	})
}
