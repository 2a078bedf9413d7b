package iamsvc

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// The resources that operations are authorized on, and their condition keys.
// Source: Service Authorization Reference, IAM.

// anything is the resource of operations without a resource type.
func anything(*operation.Call, input) (found, error) { return found{arn: "*"}, nil }

// aUser is the user in UserName, or the caller when it is missing.
func aUser(c *operation.Call, in input) (found, error) {
	name, ok := in.text("UserName")
	if !ok {
		if c.Caller.Principal.Kind == policy.RootUser {
			return found{arn: c.World.RootARN(c.Caller.Account)}, nil
		}
		own, err := ownName(c)
		if err != nil {
			return found{}, err
		}
		name = own
	}
	return userResource(c, name), nil
}

// theCaller is the calling user, for ChangePassword, which only users may call.
func theCaller(c *operation.Call, _ input) (found, error) {
	if c.Caller.User == nil {
		return found{}, &types.InvalidUserTypeException{Message: aws.String("Only IAM Users can change their own password")}
	}
	return userResource(c, c.Caller.User.Name), nil
}

// ownName returns the name of the calling user, for operations that default to
// it.
func ownName(c *operation.Call) (string, error) {
	if c.Caller.User == nil {
		return "", validationError("Must specify userName when calling with non-User credentials")
	}
	return c.Caller.User.Name, nil
}

// userResource returns a user's ARN; for a user that does not exist, the ARN
// without a path.
func userResource(c *operation.Call, name string) found {
	u := account(c).Users[world.Fold(name)]
	if u == nil {
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "user", "/", name)}
	}
	return found{arn: c.World.UserARN(c.Caller.Account, u), tags: tagMap(u.Tags), iamTags: true, boundary: u.Boundary}
}

// userOrAll is the user in UserName, or * when AllUsers is set.
func userOrAll(c *operation.Call, in input) (found, error) {
	if all := in.v.FieldByName("AllUsers"); !all.IsNil() && all.Elem().Bool() {
		return anything(c, in)
	}
	return aUser(c, in)
}

// keyOwner is the owner of the access key in AccessKeyId.
func keyOwner(c *operation.Call, in input) (found, error) {
	id, _ := in.text("AccessKeyId")
	if owner, ok := c.World.FindKey(id); ok && owner.Account == c.Caller.Account {
		return userResource(c, owner.User), nil
	}
	return userResource(c, "*"), nil
}

// newOf is a resource that the operation creates: kind and the member with its
// name, at Path.
func newOf(kind, member string) resource {
	return func(c *operation.Call, in input) (found, error) {
		name, _ := in.text(member)
		path, ok := in.text("Path")
		if !ok {
			path = "/"
		}
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, kind, path, name)}, nil
	}
}

// aGroup is the group in GroupName. Groups have no tags.
func aGroup(c *operation.Call, in input) (found, error) {
	name, _ := in.text("GroupName")
	if g := account(c).Groups[world.Fold(name)]; g != nil {
		return found{arn: c.World.GroupARN(c.Caller.Account, g)}, nil
	}
	return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "group", "/", name)}, nil
}

// aRole is the role in RoleName.
func aRole(c *operation.Call, in input) (found, error) {
	name, _ := in.text("RoleName")
	r := account(c).Roles[world.Fold(name)]
	if r == nil {
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "role", "/", name)}, nil
	}
	return found{arn: c.World.RoleARN(c.Caller.Account, r), tags: tagMap(r.Tags), iamTags: true, boundary: r.Boundary}, nil
}

// aPolicy is the managed policy in PolicyArn.
func aPolicy(c *operation.Call, in input) (found, error) {
	policyARN, _ := in.text("PolicyArn")
	f := found{arn: policyARN}
	if p := c.World.ManagedPolicy(c.Caller.Account, policyARN); p != nil {
		f.tags = tagMap(p.Tags)
	}
	return f, nil
}

// aDevice is the MFA device in SerialNumber.
func aDevice(c *operation.Call, in input) (found, error) {
	serial, _ := in.text("SerialNumber")
	f := found{arn: serial}
	if d := account(c).Devices[serial]; d != nil {
		f.tags = tagMap(d.Tags)
	}
	return f, nil
}

// aSource is the user, group or role in PolicySourceArn.
func aSource(_ *operation.Call, in input) (found, error) {
	source, _ := in.text("PolicySourceArn")
	return found{arn: source}, nil
}

func policyARN(ctx *policy.Context, in input, _ found) {
	if value, ok := in.text("PolicyArn"); ok {
		ctx.Set("iam:PolicyARN", value)
	}
}

// boundary is the permissions boundary in the input, or else the current one of
// the user or role.
func boundary(ctx *policy.Context, in input, on found) {
	if value, ok := in.text("PermissionsBoundary"); ok {
		ctx.Set("iam:PermissionsBoundary", value)
	} else if on.boundary != "" {
		ctx.Set("iam:PermissionsBoundary", on.boundary)
	}
}

// requestTags returns aws:RequestTag/… and aws:TagKeys; only the latter for
// Untag….
func requestTags(ctx *policy.Context, in input, _ found) {
	for _, t := range in.tags() {
		ctx.Set("aws:RequestTag/"+*t.Key, *t.Value)
	}
	ctx.SetMany("aws:TagKeys", in.tagKeys())
}

func serviceName(ctx *policy.Context, in input, _ found) {
	if value, ok := in.text("ServiceName"); ok {
		ctx.Set("iam:ServiceSpecificCredentialServiceName", value)
	}
	if create, ok := in.v.Addr().Interface().(*iam.CreateServiceSpecificCredentialInput); ok && create.CredentialAgeDays != nil {
		ctx.Set("iam:ServiceSpecificCredentialAgeDays", strconv.Itoa(int(*create.CredentialAgeDays)))
	}
}

func tagMap(tags []org.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
