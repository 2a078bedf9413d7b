package iamsvc

import (
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// roleOf returns a role of an account by name, in any case.
func roleOf(a *world.Account, name *string) (*world.Role, error) {
	r := a.Roles[world.Fold(aws.ToString(name))]
	if r == nil {
		return nil, noSuchEntity("The role with name %s cannot be found.", aws.ToString(name))
	}
	return r, nil
}

// modifiableRole refuses roles that only AWS may change.
func modifiableRole(a *world.Account, name *string) (*world.Role, error) {
	r, err := roleOf(a, name)
	if err != nil {
		return nil, err
	}
	if r.Reserved() {
		return nil, protected(r)
	}
	return r, nil
}

func protected(r *world.Role) error {
	return &types.UnmodifiableEntityException{Message: aws.String(
		"Cannot perform the operation on the protected role '" + r.Name + "' - this role is only modifiable by AWS")}
}

// labeledRole refuses roles whose description and tags only AWS may change. Those of
// service-linked roles can be changed.
// Source: IAM User Guide, "Create a service-linked role", editing; Terraform's
// aws_iam_service_linked_role.
func labeledRole(a *world.Account, name *string) (*world.Role, error) {
	r, err := roleOf(a, name)
	if err == nil && r.Reserved() && !r.ServiceLinked() {
		return nil, protected(r)
	}
	return r, err
}

func createRole(c *operation.Call, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	a := edit(c)
	if strings.HasPrefix(pathOr(in.Path), "/aws-service-role/") || strings.HasPrefix(pathOr(in.Path), "/aws-reserved/") {
		return nil, accessDenied("Cannot create a role with path %s: it is reserved for AWS", *in.Path)
	}
	if a.Roles[world.Fold(*in.RoleName)] != nil {
		return nil, alreadyExists("Role with name %s already exists.", *in.RoleName)
	}
	if quota := a.Quota(world.QuotaRoles); len(a.Roles) >= quota {
		return nil, overQuota("RolesPerAccount", quota)
	}
	if err := checkTrust(a, *in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	if err := boundaryExists(c, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := &world.Role{
		Name: *in.RoleName, Path: pathOr(in.Path), ID: c.World.NewID("AROA"), Description: aws.ToString(in.Description),
		Created: c.Now, Trust: *in.AssumeRolePolicyDocument, Tags: tags, Inline: map[string]string{},
		Boundary: aws.ToString(in.PermissionsBoundary), MaxSession: maxSession(in.MaxSessionDuration),
	}
	a.Roles[world.Fold(r.Name)] = r
	return &iam.CreateRoleOutput{Role: roleType(c, r, true)}, nil
}

func maxSession(seconds *int32) time.Duration {
	if seconds == nil {
		return time.Hour
	}
	return time.Duration(*seconds) * time.Second
}

// checkTrust checks a role's trust policy: its size without white space, then
// its text.
func checkTrust(a *world.Account, text string) error {
	if quota := a.Quota(world.QuotaTrustSize); policy.Size(text) > quota {
		return overQuota("ACLSizePerRole", quota)
	}
	return checkDocument(policy.Trust, text)
}

func getRole(c *operation.Call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := roleOf(account(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: roleType(c, r, true)}, nil
}

func listRoles(c *operation.Call, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	l := listing[*world.Role]{operation: "ListRoles", key: func(r *world.Role) string { return world.Fold(r.Name) }}
	for _, r := range account(c).ListedRoles() {
		if strings.HasPrefix(r.Path, aws.ToString(in.PathPrefix)) {
			l.items = append(l.items, r)
		}
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolesOutput{Roles: []types.Role{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, r := range p.items {
		out.Roles = append(out.Roles, *roleType(c, r, false))
	}
	return out, nil
}

func updateRole(c *operation.Call, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	r, err := labeledRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.ServiceLinked() && in.MaxSessionDuration != nil {
		return nil, protected(r)
	}
	r.Description = aws.ToString(in.Description)
	r.MaxSession = maxSession(in.MaxSessionDuration)
	return &iam.UpdateRoleOutput{}, nil
}

func updateRoleDescription(c *operation.Call, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	r, err := labeledRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	r.Description = *in.Description
	return &iam.UpdateRoleDescriptionOutput{Role: roleType(c, r, true)}, nil
}

func updateAssumeRolePolicy(c *operation.Call, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	a := edit(c)
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	if err := checkTrust(a, *in.PolicyDocument); err != nil {
		return nil, err
	}
	r.Trust = *in.PolicyDocument
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}

func deleteRole(c *operation.Call, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	a := edit(c)
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(r.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	case len(profilesOf(a, r)) > 0:
		return nil, deleteConflict(inProfile)
	}
	delete(a.Roles, world.Fold(r.Name))
	return &iam.DeleteRoleOutput{}, nil
}

// roleType converts a role to the SDK's type. Lists omit tags, boundary and last
// use.
// Source: IAM API Reference, ListRoles.
func roleType(c *operation.Call, r *world.Role, whole bool) *types.Role {
	r = copyOf(r)
	t := &types.Role{
		Arn: aws.String(c.World.RoleARN(c.Caller.Account, r)), CreateDate: &r.Created, Path: &r.Path, RoleId: &r.ID,
		RoleName: &r.Name, AssumeRolePolicyDocument: encoded(r.Trust),
		MaxSessionDuration: aws.Int32(int32(r.MaxSession / time.Second)),
	}
	if r.Description != "" {
		t.Description = &r.Description
	}
	if whole {
		t.Tags = tagTypes(r.Tags)
		t.PermissionsBoundary = boundaryType(r.Boundary)
		t.RoleLastUsed = lastUsed(c, r)
	}
	return t
}

// tracked is how long IAM remembers the last use of a role.
// Source: IAM API Reference, RoleLastUsed.
const tracked = 400 * 24 * time.Hour

func lastUsed(c *operation.Call, r *world.Role) *types.RoleLastUsed {
	use := c.World.RoleUse(c.Caller.Account, r)
	if use.At.IsZero() || c.Now.Sub(use.At) > tracked {
		return &types.RoleLastUsed{}
	}
	t := &types.RoleLastUsed{LastUsedDate: &use.At}
	if use.Region != "" {
		t.Region = &use.Region
	}
	return t
}

// encoded returns a document as in IAM's responses: percent-encoded by RFC 3986.
func encoded(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}
