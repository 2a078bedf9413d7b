package orgsvc

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// lifecycleOperations create and delete the organization.
func lifecycleOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.CreateOrganizationInput, organizations.CreateOrganizationOutput]{
			name: "CreateOrganization", who: anyone, do: createOrganization,
		}.write(),
		row[organizations.DeleteOrganizationInput, organizations.DeleteOrganizationOutput]{
			name: "DeleteOrganization", who: manager, do: deleteOrganization,
		}.write(),
	}
}

// createOrganization makes the caller's account the management account. With all
// features, service control policies are enabled in the root.
// Source: Organizations API Reference, CreateOrganization.
func createOrganization(r *request, in *organizations.CreateOrganizationInput) (*organizations.CreateOrganizationOutput, error) {
	switch {
	case belongs(r.World, r.Caller.Account):
		return nil, &types.AlreadyInOrganizationException{Message: aws.String("The AWS account is already a member of an organization.")}
	case r.o != nil:
		return nil, constraint(types.ConstraintViolationExceptionReasonAccountCreationNotComplete, "The embedded AWS has one organization, and account "+r.Caller.Account+" is not in it.")
	}
	id := "o-" + strings.ToLower(r.World.NewID("")[:10])
	suffix := strings.ToLower(r.World.NewID("")[:4])
	o := &world.Organization{
		ID: id, ARN: "arn:" + r.World.Partition + ":organizations::" + r.Caller.Account + ":organization/" + id, ManagementAccount: r.Caller.Account,
		FeatureSet: string(types.OrganizationFeatureSetAll), Units: []org.Unit{{ID: "r-" + suffix, Name: "Root"}}, SCPs: map[string]org.SCP{},
	}
	if in.FeatureSet != "" {
		o.FeatureSet = string(in.FeatureSet)
	}
	r.World.SetOrganization(o)
	r.o = o
	a := r.World.Edit(r.Caller.Account)
	a.Unit, a.Joined, a.Invited = o.Units[0].ID, r.Now.Truncate(time.Second), true
	if o.FeatureSet == string(types.OrganizationFeatureSetAll) {
		r.enable(scpControl)
	}
	described, err := describeOrganization(r, nil)
	return &organizations.CreateOrganizationOutput{Organization: described.Organization}, err
}

// deleteOrganization requires that the management account is the only one.
// Source: Organizations API Reference, DeleteOrganization.
func deleteOrganization(r *request, _ *organizations.DeleteOrganizationInput) (*organizations.DeleteOrganizationOutput, error) {
	if len(r.accounts(func(*world.Account) bool { return true })) > 1 {
		return nil, &types.OrganizationNotEmptyException{Message: aws.String("To delete an organization you must first remove all member accounts except the management account.")}
	}
	for i := range r.o.Transfers {
		if r.statusOf(&r.o.Transfers[i]) == types.ResponsibilityTransferStatusAccepted {
			return nil, constraint(types.ConstraintViolationExceptionReasonActiveResponsibilityTransferProcess, "You must first end the responsibility transfers of the organization.")
		}
	}
	a := r.World.Edit(r.o.ManagementAccount)
	leaves(a)
	r.World.SetOrganization(nil)
	return &organizations.DeleteOrganizationOutput{}, nil
}
