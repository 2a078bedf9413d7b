package iamsvc

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// A grant is a policy that an entity has, with the entity that it is embedded in or
// empty for a managed policy.
type grant struct {
	policy types.PolicyGrantingServiceAccess
	source policy.Source
}

// listPoliciesGrantingServiceAccess lists the policies of a user, group or role that
// allow actions of services.
func listPoliciesGrantingServiceAccess(c *operation.Call, in *iam.ListPoliciesGrantingServiceAccessInput) (*iam.ListPoliciesGrantingServiceAccessOutput, error) {
	grants, err := grantsOf(c, *in.Arn)
	if err != nil {
		return nil, err
	}
	l := listing[string]{"ListPoliciesGrantingServiceAccess", once(in.ServiceNamespaces), same}
	p, err := l.page(c, in.Marker, nil)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPoliciesGrantingServiceAccessOutput{
		PoliciesGrantingServiceAccess: []types.ListPoliciesGrantingServiceAccessEntry{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, namespace := range p.items {
		s, ok := catalog.Load().Service(namespace)
		if !ok {
			return nil, invalidInput("Invalid service namespace: %s", namespace)
		}
		out.PoliciesGrantingServiceAccess = append(out.PoliciesGrantingServiceAccess, grantingEntry(s, grants))
	}
	return out, nil
}

func grantingEntry(s *catalog.Service, all []grant) types.ListPoliciesGrantingServiceAccessEntry {
	entry := types.ListPoliciesGrantingServiceAccessEntry{ServiceNamespace: aws.String(s.Prefix), Policies: []types.PolicyGrantingServiceAccess{}}
	for _, g := range all {
		if grants(g.source, s) {
			entry.Policies = append(entry.Policies, g.policy)
		}
	}
	return entry
}

func grantsOf(c *operation.Call, named string) ([]grant, error) {
	a := account(c)
	parsed, err := arn.Parse(named)
	if err != nil || parsed.Service != "iam" || parsed.Account != a.ID {
		return nil, invalidInput("Invalid ARN: %s", named)
	}
	name := parsed.Name()
	switch parsed.Kind() {
	case "user":
		u, err := userOf(a, &name)
		if err != nil {
			return nil, err
		}
		all := policiesFrom(c, types.PolicyOwnerEntityTypeUser, u.Name, u.Inline, u.Attached)
		for _, g := range groupsOf(a, u) {
			all = append(all, policiesFrom(c, types.PolicyOwnerEntityTypeGroup, g.Name, g.Inline, g.Attached)...)
		}
		return all, nil
	case "group":
		g, err := groupOf(a, &name)
		if err != nil {
			return nil, err
		}
		return policiesFrom(c, types.PolicyOwnerEntityTypeGroup, g.Name, g.Inline, g.Attached), nil
	case "role":
		r, err := roleOf(a, &name)
		if err != nil {
			return nil, err
		}
		return policiesFrom(c, types.PolicyOwnerEntityTypeRole, r.Name, r.Inline, r.Attached), nil
	}
	return nil, invalidInput("Invalid ARN: %s", named)
}

// policiesFrom lists the policies of one entity: only inline ones name it.
// Source: IAM API Reference, PolicyGrantingServiceAccess.
func policiesFrom(c *operation.Call, kind types.PolicyOwnerEntityType, owner string, inline map[string]string, attached []string) []grant {
	var all []grant
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		all = append(all, grant{
			types.PolicyGrantingServiceAccess{PolicyName: aws.String(name), PolicyType: types.PolicyTypeInline, EntityType: kind, EntityName: aws.String(owner)},
			c.World.Parse(name, policy.Identity, inline[name]),
		})
	}
	for _, named := range attached {
		p := c.World.ManagedPolicy(c.Caller.Account, named)
		if p == nil {
			continue
		}
		text, _ := p.Document()
		all = append(all, grant{
			types.PolicyGrantingServiceAccess{PolicyName: aws.String(p.Name), PolicyType: types.PolicyTypeManaged, PolicyArn: aws.String(p.ARN)},
			c.World.Parse(named, policy.Identity, text),
		})
	}
	return all
}
