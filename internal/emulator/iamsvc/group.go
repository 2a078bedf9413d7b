package iamsvc

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// groupOf returns a group of an account by name, in any case.
func groupOf(a *world.Account, name *string) (*world.Group, error) {
	g := a.Groups[world.Fold(aws.ToString(name))]
	if g == nil {
		return nil, noSuchEntity("The group with name %s cannot be found.", aws.ToString(name))
	}
	return g, nil
}

func createGroup(c *operation.Call, in *iam.CreateGroupInput) (*iam.CreateGroupOutput, error) {
	a := edit(c)
	if a.Groups[world.Fold(*in.GroupName)] != nil {
		return nil, alreadyExists("Group with name %s already exists.", *in.GroupName)
	}
	if quota := a.Quota(world.QuotaGroups); len(a.Groups) >= quota {
		return nil, overQuota("GroupsPerAccount", quota)
	}
	g := &world.Group{
		Name: *in.GroupName, Path: pathOr(in.Path), ID: c.World.NewID("AGPA"), Created: c.Now, Inline: map[string]string{},
	}
	a.Groups[world.Fold(g.Name)] = g
	return &iam.CreateGroupOutput{Group: groupType(c, g)}, nil
}

func getGroup(c *operation.Call, in *iam.GetGroupInput) (*iam.GetGroupOutput, error) {
	a := account(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := usersByName("GetGroup", members(a, g)).page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetGroupOutput{Group: groupType(c, g), Users: []types.User{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, u := range p.items {
		out.Users = append(out.Users, *userType(c, u, false))
	}
	return out, nil
}

func listGroups(c *operation.Call, in *iam.ListGroupsInput) (*iam.ListGroupsOutput, error) {
	var groups []*world.Group
	for _, g := range account(c).Groups {
		if strings.HasPrefix(g.Path, aws.ToString(in.PathPrefix)) {
			groups = append(groups, g)
		}
	}
	found, p, err := groupPage(c, "ListGroups", groups, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupsOutput{Groups: found, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func listGroupsForUser(c *operation.Call, in *iam.ListGroupsForUserInput) (*iam.ListGroupsForUserOutput, error) {
	a := account(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	found, p, err := groupPage(c, "ListGroupsForUser", groupsOf(a, u), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupsForUserOutput{Groups: found, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func groupPage(c *operation.Call, operation string, groups []*world.Group, marker *string, maxItems *int32) ([]types.Group, page[*world.Group], error) {
	l := listing[*world.Group]{operation, groups, func(g *world.Group) string { return world.Fold(g.Name) }}
	p, err := l.page(c, marker, maxItems)
	found := []types.Group{}
	for _, g := range p.items {
		found = append(found, *groupType(c, g))
	}
	return found, p, err
}

func updateGroup(c *operation.Call, in *iam.UpdateGroupInput) (*iam.UpdateGroupOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	if in.NewGroupName != nil {
		other := a.Groups[world.Fold(*in.NewGroupName)]
		if other != nil && other != g {
			return nil, alreadyExists("Group with name %s already exists.", *in.NewGroupName)
		}
		renameGroup(a, g, *in.NewGroupName)
	}
	if in.NewPath != nil {
		g.Path = *in.NewPath
	}
	return &iam.UpdateGroupOutput{}, nil
}

func renameGroup(a *world.Account, g *world.Group, name string) {
	users := members(a, g)
	for _, u := range users {
		delete(u.Groups, world.Fold(g.Name))
		u.Groups[world.Fold(name)] = true
	}
	delete(a.Groups, world.Fold(g.Name))
	g.Name = name
	a.Groups[world.Fold(name)] = g
}

func deleteGroup(c *operation.Call, in *iam.DeleteGroupInput) (*iam.DeleteGroupOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(members(a, g)) > 0:
		return nil, deleteConflict("Cannot delete entity, must remove users from group first.")
	case len(g.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(a.Groups, world.Fold(g.Name))
	return &iam.DeleteGroupOutput{}, nil
}

// addUserToGroup does nothing when the user is a member already.
func addUserToGroup(c *operation.Call, in *iam.AddUserToGroupInput) (*iam.AddUserToGroupOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	if u.Groups[world.Fold(g.Name)] {
		return &iam.AddUserToGroupOutput{}, nil
	}
	if quota := a.Quota(world.QuotaGroupsPerUser); len(u.Groups) >= quota {
		return nil, overQuota("GroupsPerUser", quota)
	}
	if u.Groups == nil {
		u.Groups = map[string]bool{}
	}
	u.Groups[world.Fold(g.Name)] = true
	return &iam.AddUserToGroupOutput{}, nil
}

// removeUserFromGroup does nothing when the user is not a member.
func removeUserFromGroup(c *operation.Call, in *iam.RemoveUserFromGroupInput) (*iam.RemoveUserFromGroupOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	delete(u.Groups, world.Fold(g.Name))
	return &iam.RemoveUserFromGroupOutput{}, nil
}

func groupType(c *operation.Call, g *world.Group) *types.Group {
	g = copyOf(g)
	return &types.Group{
		Arn: aws.String(c.World.GroupARN(c.Caller.Account, g)), CreateDate: &g.Created,
		GroupId: &g.ID, GroupName: &g.Name, Path: &g.Path,
	}
}
