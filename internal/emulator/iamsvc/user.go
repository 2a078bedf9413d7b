package iamsvc

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// userOf returns a user of an account by name, in any case.
func userOf(a *world.Account, name *string) (*world.User, error) {
	u := a.Users[world.Fold(aws.ToString(name))]
	if u == nil {
		return nil, noSuchEntity("The user with name %s cannot be found.", aws.ToString(name))
	}
	return u, nil
}

// userOrOwn returns the user with that name, or the caller when it is empty.
func userOrOwn(c *operation.Call, a *world.Account, name *string) (*world.User, error) {
	if name == nil {
		own, err := ownName(c)
		if err != nil {
			return nil, err
		}
		name = &own
	}
	return userOf(a, name)
}

// isSelf reports whether the caller is this user, with any credential.
func isSelf(c *operation.Call, u *world.User) bool {
	return c.Caller.User != nil && c.Caller.User.ID == u.ID
}

func createUser(c *operation.Call, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	a := edit(c)
	if a.Users[world.Fold(*in.UserName)] != nil {
		return nil, alreadyExists("User with name %s already exists.", *in.UserName)
	}
	if quota := a.Quota(world.QuotaUsers); len(a.Users) >= quota {
		return nil, overQuota("UsersPerAccount", quota)
	}
	if err := boundaryExists(c, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	u := &world.User{
		Name: *in.UserName, Path: pathOr(in.Path), ID: c.World.NewID("AIDA"), Created: c.Now,
		Tags: tags, Groups: map[string]bool{}, Inline: map[string]string{}, Boundary: aws.ToString(in.PermissionsBoundary),
	}
	a.Users[world.Fold(u.Name)] = u
	return &iam.CreateUserOutput{User: userType(c, u, true)}, nil
}

func getUser(c *operation.Call, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	a := account(c)
	if in.UserName == nil && c.Caller.Principal.Kind == policy.RootUser {
		return &iam.GetUserOutput{User: rootType(c, a)}, nil
	}
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: userType(c, u, true)}, nil
}

func listUsers(c *operation.Call, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	var users []*world.User
	for _, u := range account(c).Users {
		if strings.HasPrefix(u.Path, aws.ToString(in.PathPrefix)) {
			users = append(users, u)
		}
	}
	p, err := usersByName("ListUsers", users).page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListUsersOutput{Users: []types.User{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, u := range p.items {
		out.Users = append(out.Users, *userType(c, u, false))
	}
	return out, nil
}

func usersByName(operation string, users []*world.User) listing[*world.User] {
	return listing[*world.User]{operation, users, func(u *world.User) string { return world.Fold(u.Name) }}
}

func updateUser(c *operation.Call, in *iam.UpdateUserInput) (*iam.UpdateUserOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	if in.NewUserName != nil {
		other := a.Users[world.Fold(*in.NewUserName)]
		if other != nil && other != u {
			return nil, alreadyExists("User with name %s already exists.", *in.NewUserName)
		}
		c.World.RenameUser(a.ID, u.Name, *in.NewUserName)
	}
	if in.NewPath != nil {
		u.Path = *in.NewPath
	}
	return &iam.UpdateUserOutput{}, nil
}

func deleteUser(c *operation.Call, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	if what := clings(a, u); what != "" {
		return nil, deleteConflict("Cannot delete entity, must %s first.", what)
	}
	delete(a.Users, world.Fold(u.Name))
	return &iam.DeleteUserOutput{}, nil
}

// clings returns what prevents deleting a user; empty: nothing.
// Source: IAM API Reference, DeleteUser.
func clings(a *world.Account, u *world.User) string {
	switch {
	case len(u.Attached) > 0:
		return "detach all policies"
	case len(u.Inline) > 0:
		return "delete policies"
	case len(u.Groups) > 0:
		return "remove user from all groups"
	case u.Login != nil:
		return "delete login profile"
	case len(u.Keys) > 0:
		return "delete access keys"
	case len(a.DevicesOf(u.Name)) > 0:
		return "delete MFA device"
	case len(u.Certificates) > 0:
		return "delete signing certificates"
	case len(u.SSHKeys) > 0:
		return "delete SSH public keys"
	case len(u.Services) > 0:
		return "delete service-specific credentials"
	}
	return ""
}

// userType converts a user to the SDK's type. Lists omit tags and boundary.
// Source: IAM API Reference, ListUsers: "does not return … PermissionsBoundary,
// Tags".
func userType(c *operation.Call, u *world.User, whole bool) *types.User {
	u = copyOf(u)
	t := &types.User{
		Arn: aws.String(c.World.UserARN(c.Caller.Account, u)), CreateDate: &u.Created,
		Path: &u.Path, UserId: &u.ID, UserName: &u.Name,
	}
	if u.Login != nil {
		t.PasswordLastUsed = timeOrNil(u.Login.Used)
	}
	if whole {
		t.Tags = tagTypes(u.Tags)
		t.PermissionsBoundary = boundaryType(u.Boundary)
	}
	return t
}

// rootType returns the root user, which has neither a name nor a path.
func rootType(c *operation.Call, a *world.Account) *types.User {
	a = copyOf(a)
	return &types.User{
		Arn: aws.String(c.World.RootARN(a.ID)), UserId: &a.ID,
		CreateDate: &a.Joined, PasswordLastUsed: timeOrNil(a.Root.PasswordUsed),
	}
}

// members returns the users of a group, in no particular order.
func members(a *world.Account, g *world.Group) []*world.User {
	var users []*world.User
	for _, u := range a.Users {
		if u.Groups[world.Fold(g.Name)] {
			users = append(users, u)
		}
	}
	return users
}

func groupsOf(a *world.Account, u *world.User) []*world.Group {
	var groups []*world.Group
	for _, name := range slices.Sorted(maps.Keys(u.Groups)) {
		groups = append(groups, a.Groups[name])
	}
	return groups
}

func pathOr(path *string) string {
	if path == nil {
		return "/"
	}
	return *path
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
