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

// enableType attaches FullAWSAccess everywhere, so that permissions do not
// change.
// Source: Organizations User Guide, "Enabling a policy type".
func enableType(r *request, in *organizations.EnablePolicyTypeInput) (*organizations.EnablePolicyTypeOutput, error) {
	root, err := r.needRoot(*in.RootId)
	if err != nil {
		return nil, err
	}
	if err := r.needType(in.PolicyType); err != nil {
		return nil, err
	}
	if r.o.SCPsEnabled {
		return nil, &types.PolicyTypeAlreadyEnabledException{Message: aws.String("The specified policy type is already enabled.")}
	}
	r.enableSCPs()
	return &organizations.EnablePolicyTypeOutput{Root: r.rootNow(root.ID)}, nil
}

func (r *request) enableSCPs() {
	o := r.World.EditOrganization()
	o.SCPsEnabled = true
	o.SCPs[fullAccess] = org.SCP{ID: fullAccess, Name: "FullAWSAccess", AWSManaged: true, Document: fullAccessDocument}
	r.attachEverywhere([]string{fullAccess})
}

const fullAccessDocument = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// disableType detaches every policy; the policies themselves stay.
// Source: Organizations User Guide, "Disabling a policy type".
func disableType(r *request, in *organizations.DisablePolicyTypeInput) (*organizations.DisablePolicyTypeOutput, error) {
	root, err := r.needRoot(*in.RootId)
	if err != nil {
		return nil, err
	}
	if in.PolicyType != types.PolicyTypeServiceControlPolicy || !r.o.SCPsEnabled {
		return nil, notEnabled()
	}
	r.World.EditOrganization().SCPsEnabled = false
	r.attachEverywhere(nil)
	return &organizations.DisablePolicyTypeOutput{Root: r.rootNow(root.ID)}, nil
}

// attachEverywhere replaces the policies of every root, unit and account.
func (r *request) attachEverywhere(ids []string) {
	units := r.World.EditOrganization().Units
	for i := range units {
		units[i].SCPs = append([]string(nil), ids...)
	}
	for _, id := range r.World.Accounts() {
		if r.findAccount(id) != nil {
			r.World.Edit(id).SCPs = append([]string(nil), ids...)
		}
	}
}

// rootNow returns a root after a change.
func (r *request) rootNow(id string) *types.Root {
	root := r.describeRoot(r.findUnit(id))
	return &root
}
