package org

import (
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// Principal is the user as the principal of its own requests.
func (a *Account) Principal(u *User) policy.Principal {
	return policy.Principal{Kind: policy.IAMUser, Account: a.ID, ARN: u.ARN}
}

// Context holds the condition keys that are the same in every request of the
// user, whatever its credential. Source: IAM User Guide, "AWS global condition
// context keys", properties of the principal.
func (a *Account) Context(h *Header, u *User) *policy.Context {
	c := a.context(h, u.ARN, "User", u.ID, u.Tags)
	c.Set("aws:username", u.Name)
	return c
}

// RolePrincipal is a session of the role with that session name.
func (a *Account) RolePrincipal(r *Role, session string) policy.Principal {
	return policy.Principal{
		Kind:          policy.RoleSession,
		Account:       a.ID,
		ARN:           "arn:" + a.Partition + ":sts::" + a.ID + ":assumed-role/" + r.Name + "/" + session,
		Issuer:        r.ARN,
		ServiceLinked: strings.HasPrefix(r.Path, "/aws-service-role/"),
	}
}

// RoleContext holds the condition keys that are the same in every request of a
// session of the role that has neither session tags nor a source identity. It
// has no aws:username, and aws:PrincipalArn is the role.
func (a *Account) RoleContext(h *Header, r *Role, session string) *policy.Context {
	return a.context(h, r.ARN, "AssumedRole", r.ID+":"+session, r.Tags)
}

func (a *Account) context(h *Header, principal, kind, id string, tags []Tag) *policy.Context {
	c := new(policy.Context)
	c.Set("aws:PrincipalArn", principal)
	c.Set("aws:PrincipalAccount", a.ID)
	c.Set("aws:PrincipalType", kind)
	c.Set("aws:PrincipalIsAWSService", "false")
	c.Set("aws:userid", id)
	if h.Organization != nil {
		c.Set("aws:PrincipalOrgID", h.Organization.ID)
		if path, ok := h.path(a.Unit); ok {
			c.SetMany("aws:PrincipalOrgPaths", []string{h.Organization.ID + "/" + path})
		}
	}
	for _, t := range tags {
		c.Set("aws:PrincipalTag/"+t.Key, t.Value)
	}
	return c
}

// path is the units from the root down to id, each followed by a slash; ok is
// false when one of them was not read.
func (h *Header) path(id string) (path string, ok bool) {
	units, ok := h.lineage(id)
	for _, u := range units {
		path += u.ID + "/"
	}
	return path, ok
}

// lineage is the units from the root down to id. ok is false when one of them
// was not read, or when a malformed snapshot has a unit below itself.
func (h *Header) lineage(id string) (units []*Unit, ok bool) {
	for id != "" && len(units) <= len(h.Units) {
		u := h.Unit(id)
		if u == nil {
			return nil, false
		}
		units = append([]*Unit{u}, units...)
		id = u.Parent
	}
	return units, id == "" && len(units) > 0
}

// ByAWS reports whether the ARN is that of a policy that AWS manages.
func ByAWS(policyARN string) bool {
	a, err := arn.Parse(policyARN)
	return err == nil && a.Service == "iam" && a.Account == "aws"
}

// OfAWS reports whether only AWS can change a role.
// Source: IAM User Guide, "Create a service-linked role"; IAM Identity Center
// User Guide, "Referencing permission sets in resource policies".
func (r *Role) OfAWS() bool {
	return strings.HasPrefix(r.Path, "/aws-service-role/") || strings.HasPrefix(r.Path, "/aws-reserved/")
}
