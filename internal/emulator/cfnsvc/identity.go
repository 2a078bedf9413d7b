package cfnsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// pathOf returns the path of a resource of IAM.
func pathOf(r *Resource) string {
	if path := r.text("Path"); path != "" {
		return path
	}
	return "/"
}

func (d *deployer) policyARN(r *Resource) string {
	return arn.IAM(d.c.World.Partition, d.account, "policy", pathOf(r), r.text("ManagedPolicyName"))
}

func createPolicy(d *deployer, r *Resource) error {
	in := &iam.CreatePolicyInput{PolicyName: aws.String(r.text("ManagedPolicyName")), Path: aws.String(pathOf(r)), PolicyDocument: aws.String(document(r.Properties["PolicyDocument"]))}
	if text := r.text("Description"); text != "" {
		in.Description = &text
	}
	out, err := d.do("iam", "CreatePolicy", in)
	if err != nil {
		return err
	}
	key := *out.(*iam.CreatePolicyOutput).Policy.Arn
	r.named(key, key)
	return d.holders(&Resource{}, r)
}

func adoptPolicy(d *deployer, r *Resource) (bool, error) {
	key := d.policyARN(r)
	r.named(key, key)
	return d.c.World.Account(d.account).Policies[key] != nil, nil
}

// updatePolicy creates a version, and deletes the oldest one when there are too many.
func updatePolicy(d *deployer, old, now *Resource) error {
	now.identify(old)
	a := d.c.World.Account(d.account)
	if p := a.Policies[now.Physical]; p != nil && len(p.Versions) >= a.Quota(world.QuotaVersionsPerPolicy) {
		i := slices.IndexFunc(p.Versions, func(v org.Version) bool { return v.ID != p.Default })
		id := p.Versions[i].ID
		if err := d.run("iam", "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: &now.Physical, VersionId: &id}); err != nil {
			return err
		}
	}
	if err := d.run("iam", "CreatePolicyVersion", &iam.CreatePolicyVersionInput{
		PolicyArn: &now.Physical, PolicyDocument: aws.String(document(now.Properties["PolicyDocument"])), SetAsDefault: true,
	}); err != nil {
		return err
	}
	return d.holders(old, now)
}

func removePolicy(d *deployer, r *Resource) error {
	if err := d.holders(r, &Resource{Physical: r.Physical}); err != nil {
		return err
	}
	if p := d.c.World.Account(d.account).Policies[r.Physical]; p != nil {
		for _, v := range slices.Clone(p.Versions) {
			if v.ID == p.Default {
				continue
			}
			if err := d.run("iam", "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: &r.Physical, VersionId: &v.ID}); err != nil {
				return err
			}
		}
	}
	return gone(d.run("iam", "DeletePolicy", &iam.DeletePolicyInput{PolicyArn: &r.Physical}))
}

func (d *deployer) nameGroup(r *Resource) {
	name := r.text("GroupName")
	r.named(name, arn.IAM(d.c.World.Partition, d.account, "group", pathOf(r), name))
}

func createGroup(d *deployer, r *Resource) error {
	d.nameGroup(r)
	if err := d.run("iam", "CreateGroup", &iam.CreateGroupInput{GroupName: &r.Physical, Path: aws.String(pathOf(r))}); err != nil {
		return err
	}
	return updateGroup(d, &Resource{Physical: r.Physical, Attributes: r.Attributes}, r)
}

func adoptGroup(d *deployer, r *Resource) (bool, error) {
	d.nameGroup(r)
	g := d.c.World.Account(d.account).Groups[world.Fold(r.Physical)]
	return g != nil && g.Path == pathOf(r), nil
}

func updateGroup(d *deployer, old, now *Resource) error {
	now.identify(old)
	return d.attachments(now, old, func(name, policy string) (any, any) {
		return &iam.AttachGroupPolicyInput{GroupName: &now.Physical, PolicyArn: &policy}, &iam.DetachGroupPolicyInput{GroupName: &now.Physical, PolicyArn: &policy}
	}, "Group")
}

// attachments attaches the managed policies of a resource, and detaches those of the old
// one.
func (d *deployer) attachments(now, old *Resource, input func(name, policy string) (attach, detach any), kind string) error {
	wanted := map[string]bool{}
	for _, item := range list(now.Properties["ManagedPolicyArns"]) {
		wanted[text0(item)] = true
		attach, _ := input(now.Physical, text0(item))
		if err := d.run("iam", "Attach"+kind+"Policy", attach); err != nil {
			return err
		}
	}
	for _, item := range list(old.Properties["ManagedPolicyArns"]) {
		if wanted[text0(item)] {
			continue
		}
		_, detach := input(now.Physical, text0(item))
		if err := gone(d.run("iam", "Detach"+kind+"Policy", detach)); err != nil {
			return err
		}
	}
	return nil
}

func removeGroup(d *deployer, r *Resource) error {
	if err := updateGroup(d, r, &Resource{Physical: r.Physical, Attributes: r.Attributes}); err != nil {
		return err
	}
	return gone(d.run("iam", "DeleteGroup", &iam.DeleteGroupInput{GroupName: &r.Physical}))
}

func createRole(d *deployer, r *Resource) error {
	name := r.text("RoleName")
	if name == "" {
		name = d.generated(r)
	}
	in := &iam.CreateRoleInput{RoleName: &name, Path: aws.String(pathOf(r)), AssumeRolePolicyDocument: aws.String(document(r.Properties["AssumeRolePolicyDocument"]))}
	if text := r.text("Description"); text != "" {
		in.Description = &text
	}
	out, err := d.do("iam", "CreateRole", in)
	if err != nil {
		return err
	}
	role := out.(*iam.CreateRoleOutput).Role
	r.named(name, *role.Arn)
	r.Attributes["RoleId"] = *role.RoleId
	return d.rolePolicies(&Resource{Physical: name}, r)
}

// rolePolicies writes the inline policies of a role, deletes those of the old one, and
// does the same with managed policies.
func (d *deployer) rolePolicies(old, now *Resource) error {
	wanted := map[string]bool{}
	for _, item := range list(now.Properties["Policies"]) {
		name := text0(object(item)["PolicyName"])
		wanted[name] = true
		if err := d.run("iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: &now.Physical, PolicyName: &name, PolicyDocument: aws.String(document(object(item)["PolicyDocument"]))}); err != nil {
			return err
		}
	}
	for _, item := range list(old.Properties["Policies"]) {
		name := text0(object(item)["PolicyName"])
		if wanted[name] {
			continue
		}
		if err := gone(d.run("iam", "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: &now.Physical, PolicyName: &name})); err != nil {
			return err
		}
	}
	return d.attachments(now, old, func(name, policy string) (any, any) {
		return &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &policy}, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &policy}
	}, "Role")
}

func updateRole(d *deployer, old, now *Resource) error {
	now.identify(old)
	if trust := document(now.Properties["AssumeRolePolicyDocument"]); trust != document(old.Properties["AssumeRolePolicyDocument"]) {
		if err := d.run("iam", "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: &now.Physical, PolicyDocument: &trust}); err != nil {
			return err
		}
	}
	return d.rolePolicies(old, now)
}

func removeRole(d *deployer, r *Resource) error {
	if err := d.rolePolicies(r, &Resource{Physical: r.Physical}); err != nil {
		return err
	}
	return gone(d.run("iam", "DeleteRole", &iam.DeleteRoleInput{RoleName: &r.Physical}))
}
