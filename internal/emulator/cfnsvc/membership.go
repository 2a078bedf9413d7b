package cfnsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

func texts(v any) []string {
	var all []string
	for _, item := range list(v) {
		all = append(all, text0(item))
	}
	return all
}

// difference calls add for what only now has, and remove for what only old has.
func difference(old, now any, add, remove func(string) error) error {
	before, after := texts(old), texts(now)
	for _, name := range after {
		if slices.Contains(before, name) {
			continue
		}
		if err := add(name); err != nil {
			return err
		}
	}
	for _, name := range before {
		if slices.Contains(after, name) {
			continue
		}
		if err := gone(remove(name)); err != nil {
			return err
		}
	}
	return nil
}

// holders attaches a managed policy to the users, groups and roles that its properties
// name, and detaches it from those of the old one.
func (d *deployer) holders(old, now *Resource) error {
	policy := &now.Physical
	for property, kind := range map[string]string{"Users": "User", "Groups": "Group", "Roles": "Role"} {
		call := func(verb string, in any) error { return d.run("iam", verb+kind+"Policy", in) }
		err := difference(old.Properties[property], now.Properties[property], func(name string) error {
			return call("Attach", map[string]any{
				"User": &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: policy}, "Group": &iam.AttachGroupPolicyInput{GroupName: &name, PolicyArn: policy},
				"Role": &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: policy},
			}[kind])
		}, func(name string) error {
			return call("Detach", map[string]any{
				"User": &iam.DetachUserPolicyInput{UserName: &name, PolicyArn: policy}, "Group": &iam.DetachGroupPolicyInput{GroupName: &name, PolicyArn: policy},
				"Role": &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: policy},
			}[kind])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func createMembers(d *deployer, r *Resource) error {
	r.named(d.generated(r), "")
	return updateMembers(d, &Resource{Physical: r.Physical}, r)
}

func updateMembers(d *deployer, old, now *Resource) error {
	if old.Attributes != nil {
		now.identify(old)
	}
	group := aws.String(now.text("GroupName"))
	return difference(old.Properties["Users"], now.Properties["Users"], func(name string) error {
		return d.run("iam", "AddUserToGroup", &iam.AddUserToGroupInput{GroupName: group, UserName: &name})
	}, func(name string) error {
		return d.run("iam", "RemoveUserFromGroup", &iam.RemoveUserFromGroupInput{GroupName: group, UserName: &name})
	})
}

func removeMembers(d *deployer, r *Resource) error {
	return updateMembers(d, r, &Resource{Physical: r.Physical, Properties: map[string]any{"GroupName": r.Properties["GroupName"]}})
}

func createUserPolicy(d *deployer, r *Resource) error {
	r.named(r.text("PolicyName")+"|"+r.text("UserName"), "")
	return d.run("iam", "PutUserPolicy", &iam.PutUserPolicyInput{
		UserName: aws.String(r.text("UserName")), PolicyName: aws.String(r.text("PolicyName")), PolicyDocument: aws.String(document(r.Properties["PolicyDocument"])),
	})
}

func removeUserPolicy(d *deployer, r *Resource) error {
	return gone(d.run("iam", "DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: aws.String(r.text("UserName")), PolicyName: aws.String(r.text("PolicyName"))}))
}

func createOrganizationPolicy(d *deployer, r *Resource) error {
	out, err := d.do("organizations", "CreatePolicy", &organizations.CreatePolicyInput{
		Name: aws.String(r.text("Name")), Description: aws.String(r.text("Description")), Type: orgtypes.PolicyType(r.text("Type")), Content: aws.String(document(r.Properties["Content"])),
	})
	if err != nil {
		return err
	}
	summary := out.(*organizations.CreatePolicyOutput).Policy.PolicySummary
	r.named(*summary.Id, *summary.Arn)
	r.Attributes["Id"] = *summary.Id
	return d.targets(&Resource{}, r)
}

func updateOrganizationPolicy(d *deployer, old, now *Resource) error {
	now.identify(old)
	if err := d.run("organizations", "UpdatePolicy", &organizations.UpdatePolicyInput{
		PolicyId: &now.Physical, Name: aws.String(now.text("Name")), Description: aws.String(now.text("Description")), Content: aws.String(document(now.Properties["Content"])),
	}); err != nil {
		return err
	}
	return d.targets(old, now)
}

// targets attaches a policy of the organization to its targets, and detaches it from
// those of the old one.
func (d *deployer) targets(old, now *Resource) error {
	return difference(old.Properties["TargetIds"], now.Properties["TargetIds"], func(target string) error {
		return d.run("organizations", "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &now.Physical, TargetId: &target})
	}, func(target string) error {
		return d.run("organizations", "DetachPolicy", &organizations.DetachPolicyInput{PolicyId: &now.Physical, TargetId: &target})
	})
}

func removeOrganizationPolicy(d *deployer, r *Resource) error {
	if err := d.targets(r, &Resource{Physical: r.Physical}); err != nil {
		return err
	}
	return gone(d.run("organizations", "DeletePolicy", &organizations.DeletePolicyInput{PolicyId: &r.Physical}))
}
