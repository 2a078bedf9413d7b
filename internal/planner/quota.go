package planner

import (
	"fmt"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

// awsQuotas are AWS's defaults.
// Source: IAM User Guide, "IAM and AWS STS quotas".
var awsQuotas = org.Quotas{
	AttachedPoliciesPerUser:  10,
	AttachedPoliciesPerGroup: 10,
	GroupsPerUser:            10,
	Groups:                   300,
	Policies:                 1500,
	PolicySize:               6144,
	UserPolicySize:           2048,
	GroupPolicySize:          5120,
	VersionsPerPolicy:        5,
}

// Quotas are the quotas of an account, with AWS's default for each that was not
// read. assumed reports whether there was one.
func Quotas(a *org.Account) (filled org.Quotas, assumed bool) {
	filled = a.Quotas
	for _, f := range []struct {
		quota *int
		byAWS int
	}{
		{&filled.AttachedPoliciesPerUser, awsQuotas.AttachedPoliciesPerUser},
		{&filled.AttachedPoliciesPerGroup, awsQuotas.AttachedPoliciesPerGroup},
		{&filled.GroupsPerUser, awsQuotas.GroupsPerUser},
		{&filled.Groups, awsQuotas.Groups},
		{&filled.Policies, awsQuotas.Policies},
		{&filled.PolicySize, awsQuotas.PolicySize},
		{&filled.UserPolicySize, awsQuotas.UserPolicySize},
		{&filled.GroupPolicySize, awsQuotas.GroupPolicySize},
		{&filled.VersionsPerPolicy, awsQuotas.VersionsPerPolicy},
	} {
		if *f.quota == 0 {
			*f.quota, assumed = f.byAWS, true
		}
	}
	return filled, assumed
}

// inlineRoom is how many characters are left for an inline policy of this name,
// which replaces one that exists.
func inlineRoom(u *org.User, name string, quota int) int {
	for _, p := range u.Inline {
		if p.Name != name {
			quota -= policy.Size(p.Document)
		}
	}
	return quota
}

// noRoom says which quotas of a user are exhausted.
func (s *accountState) noRoom(u *org.User) string {
	if s.inlineTaken(u) {
		return fmt.Sprintf("no room for the policy: in %d of %d groups, %d of %d policies attached, and the inline policy %s is not managed by forcemfa",
			len(u.Groups), s.quotas.GroupsPerUser, len(u.Attached), s.quotas.AttachedPoliciesPerUser, s.inlineName)
	}
	return fmt.Sprintf("no room for the policy: in %d of %d groups, %d of %d policies attached, %d characters left for inline policies",
		len(u.Groups), s.quotas.GroupsPerUser, len(u.Attached), s.quotas.AttachedPoliciesPerUser,
		inlineRoom(u, s.inlineName, s.quotas.UserPolicySize))
}
