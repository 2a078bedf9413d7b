package iamsvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

func instanceProfileOperations() []operation.Operation {
	create := spec{on: newOf("instance-profile", "InstanceProfileName"), keys: []key{requestTags}, also: "iam:TagInstanceProfile"}
	tagged := spec{on: anInstanceProfile, keys: []key{requestTags}}
	plain := spec{on: anInstanceProfile}
	return []operation.Operation{
		write("CreateInstanceProfile", create, createInstanceProfile),
		read("GetInstanceProfile", plain, getInstanceProfile),
		read("ListInstanceProfiles", spec{on: anything}, listInstanceProfiles),
		read("ListInstanceProfilesForRole", spec{on: aRole}, listInstanceProfilesForRole),
		write("AddRoleToInstanceProfile", spec{on: anInstanceProfile, with: passedRole}, addRoleToInstanceProfile),
		write("RemoveRoleFromInstanceProfile", plain, removeRoleFromInstanceProfile),
		write("DeleteInstanceProfile", plain, deleteInstanceProfile),
		write("TagInstanceProfile", tagged, tagInstanceProfile),
		write("UntagInstanceProfile", tagged, untagInstanceProfile),
		read("ListInstanceProfileTags", plain, listInstanceProfileTags),
	}
}

// anInstanceProfile is the instance profile in InstanceProfileName.
func anInstanceProfile(c *operation.Call, in input) (found, error) {
	name, _ := in.text("InstanceProfileName")
	p := account(c).InstanceProfiles[world.Fold(name)]
	if p == nil {
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "instance-profile", "/", name)}, nil
	}
	return found{arn: c.World.InstanceProfileARN(c.Caller.Account, p), tags: tagMap(p.Tags)}, nil
}

// passedRole is the permission to pass the role in RoleName to instances.
// Source: Service Authorization Reference, AddRoleToInstanceProfile, dependent actions.
func passedRole(c *operation.Call, in input) (operation.Ask, error) {
	role, err := aRole(c, in)
	return operation.Ask{Action: "iam:PassRole", Resource: role.arn, Context: func(ctx *policy.Context) {
		role.describe(ctx)
		ctx.Set("iam:PassedToService", "ec2.amazonaws.com")
	}}, err
}

func instanceProfileOf(a *world.Account, name *string) (*world.InstanceProfile, error) {
	p := a.InstanceProfiles[world.Fold(*name)]
	if p == nil {
		return nil, noSuchEntity("Instance Profile %s cannot be found.", *name)
	}
	return p, nil
}

func createInstanceProfile(c *operation.Call, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	a := edit(c)
	if a.InstanceProfiles[world.Fold(*in.InstanceProfileName)] != nil {
		return nil, alreadyExists("Instance Profile %s already exists.", *in.InstanceProfileName)
	}
	if quota := a.Quota(world.QuotaInstanceProfiles); len(a.InstanceProfiles) >= quota {
		return nil, overQuota("InstanceProfilesPerAccount", quota)
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &world.InstanceProfile{Name: *in.InstanceProfileName, Path: pathOr(in.Path), ID: c.World.NewID("AIPA"), Created: c.Now, Tags: tags}
	a.InstanceProfiles[world.Fold(p.Name)] = p
	return &iam.CreateInstanceProfileOutput{InstanceProfile: instanceProfileType(c, a, p, true)}, nil
}

// instanceProfileType converts an instance profile to the SDK's type. Lists omit tags.
// Source: IAM API Reference, ListInstanceProfiles.
func instanceProfileType(c *operation.Call, a *world.Account, p *world.InstanceProfile, whole bool) *types.InstanceProfile {
	p = copyOf(p)
	t := &types.InstanceProfile{
		Arn: aws.String(c.World.InstanceProfileARN(a.ID, p)), CreateDate: &p.Created, Path: &p.Path,
		InstanceProfileId: &p.ID, InstanceProfileName: &p.Name, Roles: []types.Role{},
	}
	if r := a.Roles[p.Role]; r != nil {
		t.Roles = append(t.Roles, *roleType(c, r, false))
	}
	if whole {
		t.Tags = tagTypes(p.Tags)
	}
	return t
}

func getInstanceProfile(c *operation.Call, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	a := account(c)
	p, err := instanceProfileOf(a, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: instanceProfileType(c, a, p, true)}, nil
}

func instanceProfilesByName(operation string) listing[*world.InstanceProfile] {
	return listing[*world.InstanceProfile]{operation: operation, key: func(p *world.InstanceProfile) string { return world.Fold(p.Name) }}
}

func listInstanceProfiles(c *operation.Call, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	a := account(c)
	l := instanceProfilesByName("ListInstanceProfiles")
	for _, p := range a.InstanceProfiles {
		if strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix)) {
			l.items = append(l.items, p)
		}
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesOutput{
		InstanceProfiles: instanceProfileTypes(c, a, p.items), IsTruncated: p.truncated(), Marker: p.marker,
	}, nil
}

func instanceProfileTypes(c *operation.Call, a *world.Account, profiles []*world.InstanceProfile) []types.InstanceProfile {
	all := []types.InstanceProfile{}
	for _, p := range profiles {
		all = append(all, *instanceProfileType(c, a, p, false))
	}
	return all
}

func listInstanceProfilesForRole(c *operation.Call, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	a := account(c)
	r, err := roleOf(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	l := instanceProfilesByName("ListInstanceProfilesForRole")
	l.items = profilesOf(a, r)
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesForRoleOutput{
		InstanceProfiles: instanceProfileTypes(c, a, p.items), IsTruncated: p.truncated(), Marker: p.marker,
	}, nil
}

// profilesOf returns the instance profiles of a role by name.
func profilesOf(a *world.Account, r *world.Role) []*world.InstanceProfile {
	var profiles []*world.InstanceProfile
	for _, p := range a.InstanceProfiles {
		if p.Role == world.Fold(r.Name) {
			profiles = append(profiles, p)
		}
	}
	slices.SortFunc(profiles, func(x, y *world.InstanceProfile) int { return strings.Compare(x.Name, y.Name) })
	return profiles
}

// addRoleToInstanceProfile adds the only role that a profile can have.
// Source: IAM User Guide, "Use instance profiles".
func addRoleToInstanceProfile(c *operation.Call, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	a := edit(c)
	p, err := instanceProfileOf(a, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, overQuota("InstanceSessionsPerInstanceProfile", 1)
	}
	p.Role = world.Fold(r.Name)
	return &iam.AddRoleToInstanceProfileOutput{}, nil
}

func removeRoleFromInstanceProfile(c *operation.Call, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	a := edit(c)
	p, err := instanceProfileOf(a, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	if p.Role != world.Fold(r.Name) {
		return nil, noSuchEntity("Role %s is not in instance profile %s.", r.Name, p.Name)
	}
	p.Role = ""
	return &iam.RemoveRoleFromInstanceProfileOutput{}, nil
}

func deleteInstanceProfile(c *operation.Call, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	a := edit(c)
	p, err := instanceProfileOf(a, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, deleteConflict(inProfile)
	}
	delete(a.InstanceProfiles, world.Fold(p.Name))
	return &iam.DeleteInstanceProfileOutput{}, nil
}

// inProfile is the answer to deleting an instance profile or a role while one contains
// the other.
const inProfile = "Cannot delete entity, must remove roles from instance profile first."

func tagInstanceProfile(c *operation.Call, in *iam.TagInstanceProfileInput) (*iam.TagInstanceProfileOutput, error) {
	a := edit(c)
	p, err := instanceProfileOf(a, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.TagInstanceProfileOutput{}, addTags(a, &p.Tags, in.Tags)
}

func untagInstanceProfile(c *operation.Call, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	p, err := instanceProfileOf(edit(c), in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	p.Tags = withoutTags(p.Tags, in.TagKeys)
	return &iam.UntagInstanceProfileOutput{}, nil
}

func listInstanceProfileTags(c *operation.Call, in *iam.ListInstanceProfileTagsInput) (*iam.ListInstanceProfileTagsOutput, error) {
	p, err := instanceProfileOf(account(c), in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	tags, found, err := tagPage(c, "ListInstanceProfileTags", p.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfileTagsOutput{Tags: tags, IsTruncated: found.truncated(), Marker: found.marker}, nil
}
