package orgsvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/org"
)

// typeOperations enable and disable a type of policies. AWS does it in the
// background; here it is done when the call returns.
func typeOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.EnablePolicyTypeInput, organizations.EnablePolicyTypeOutput]{
			name: "EnablePolicyType", who: manager, do: enableType,
			check: func(v *input, in *organizations.EnablePolicyTypeInput) {
				v.id("RootId", in.RootId, rootPattern)
				v.kind("PolicyType", in.PolicyType)
			},
			on:   func(n names, in *organizations.EnablePolicyTypeInput) []string { return []string{n.unit(*in.RootId)} },
			kind: func(in *organizations.EnablePolicyTypeInput) types.PolicyType { return in.PolicyType },
		}.write(),
		row[organizations.DisablePolicyTypeInput, organizations.DisablePolicyTypeOutput]{
			name: "DisablePolicyType", who: manager, do: disableType,
			check: func(v *input, in *organizations.DisablePolicyTypeInput) {
				v.id("RootId", in.RootId, rootPattern)
				v.kind("PolicyType", in.PolicyType)
			},
			on:   func(n names, in *organizations.DisablePolicyTypeInput) []string { return []string{n.unit(*in.RootId)} },
			kind: func(in *organizations.DisablePolicyTypeInput) types.PolicyType { return in.PolicyType },
		}.write(),
	}
}

func notEnabled() error {
	return &types.PolicyTypeNotEnabledException{Message: aws.String("This operation can be performed only for enabled policy types.")}
}

func (r *request) needRoot(id string) (*org.Unit, error) {
	root := r.findUnit(id)
	if root == nil {
		return nil, &types.RootNotFoundException{Message: aws.String("You specified a root that doesn't exist.")}
	}
	return root, nil
}

// enableType attaches the policy that allows everything everywhere, so that permissions
// do not change.
// Source: Organizations User Guide, "Enabling a policy type".
func enableType(r *request, in *organizations.EnablePolicyTypeInput) (*organizations.EnablePolicyTypeOutput, error) {
	root, err := r.needRoot(*in.RootId)
	if err != nil {
		return nil, err
	}
	c, err := r.needType(in.PolicyType)
	if err != nil {
		return nil, err
	}
	if *c.enabled(r.o) {
		return nil, &types.PolicyTypeAlreadyEnabledException{Message: aws.String("The specified policy type is already enabled.")}
	}
	r.enable(c)
	return &organizations.EnablePolicyTypeOutput{Root: r.rootNow(root.ID)}, nil
}

func (r *request) enable(c *control) {
	o := r.World.EditOrganization()
	*c.enabled(o) = true
	c.put(o, c.full)
	r.attachEverywhere(c, []string{c.full.ID})
}

// disableType detaches every policy; the policies themselves stay.
// Source: Organizations User Guide, "Disabling a policy type".
func disableType(r *request, in *organizations.DisablePolicyTypeInput) (*organizations.DisablePolicyTypeOutput, error) {
	root, err := r.needRoot(*in.RootId)
	if err != nil {
		return nil, err
	}
	c := controlNamed(in.PolicyType)
	if c == nil || !*c.enabled(r.o) {
		return nil, notEnabled()
	}
	*c.enabled(r.World.EditOrganization()) = false
	r.attachEverywhere(c, nil)
	return &organizations.DisablePolicyTypeOutput{Root: r.rootNow(root.ID)}, nil
}

// attachEverywhere replaces the policies of every root, unit and account.
func (r *request) attachEverywhere(c *control, ids []string) {
	units := r.World.EditOrganization().Units
	for i := range units {
		*c.ofUnit(&units[i]) = append([]string(nil), ids...)
	}
	for _, id := range r.World.Accounts() {
		if r.findAccount(id) != nil {
			*c.ofMember(r.World.Edit(id)) = append([]string(nil), ids...)
		}
	}
}

// rootNow returns a root after a change.
func (r *request) rootNow(id string) *types.Root {
	root := r.describeRoot(r.findUnit(id))
	return &root
}
