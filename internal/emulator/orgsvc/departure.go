package orgsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// departureOperations close accounts and remove them from the organization.
func departureOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.CloseAccountInput, organizations.CloseAccountOutput]{
			name: "CloseAccount", who: manager, do: closeAccount,
			check: func(v *input, in *organizations.CloseAccountInput) { v.id("AccountId", in.AccountId, accountPattern) },
			on:    func(n names, in *organizations.CloseAccountInput) []string { return []string{n.account(*in.AccountId)} },
		}.write(),
		row[organizations.RemoveAccountFromOrganizationInput, organizations.RemoveAccountFromOrganizationOutput]{
			name: "RemoveAccountFromOrganization", who: manager, do: removeAccount,
			check: func(v *input, in *organizations.RemoveAccountFromOrganizationInput) {
				v.id("AccountId", in.AccountId, accountPattern)
			},
			on: func(n names, in *organizations.RemoveAccountFromOrganizationInput) []string {
				return []string{n.account(*in.AccountId)}
			},
		}.write(),
		row[organizations.LeaveOrganizationInput, organizations.LeaveOrganizationOutput]{
			name: "LeaveOrganization", who: member, do: leave,
		}.write(),
	}
}

// closeAccount leaves the account in the organization, in the state PENDING_CLOSURE: its
// credentials end at once.
// Source: Organizations API Reference, CloseAccount.
func closeAccount(r *request, in *organizations.CloseAccountInput) (*organizations.CloseAccountOutput, error) {
	a := r.findAccount(*in.AccountId)
	switch {
	case a == nil:
		return nil, noAccount()
	case a.ID == r.o.ManagementAccount:
		return nil, constraint(types.ConstraintViolationExceptionReasonCannotCloseManagementAccount, "You cannot close the management account.")
	case a.State != string(types.AccountStateActive):
		return nil, &types.AccountAlreadyClosedException{Message: aws.String("You attempted to close an account that is already closed.")}
	}
	r.World.Edit(a.ID).State = string(types.AccountStatePendingClosure)
	return &organizations.CloseAccountOutput{}, nil
}

func removeAccount(r *request, in *organizations.RemoveAccountFromOrganizationInput) (*organizations.RemoveAccountFromOrganizationOutput, error) {
	return &organizations.RemoveAccountFromOrganizationOutput{}, r.depart(*in.AccountId)
}

func leave(r *request, _ *organizations.LeaveOrganizationInput) (*organizations.LeaveOrganizationOutput, error) {
	return &organizations.LeaveOrganizationOutput{}, r.depart(r.Caller.Account)
}

// depart removes an account, its policies and its tags from the organization. The
// account has what AWS requires of an independent account: it is not checked here.
// Source: Organizations API Reference, RemoveAccountFromOrganization and
// LeaveOrganization.
func (r *request) depart(id string) error {
	a := r.findAccount(id)
	switch {
	case a == nil:
		return noAccount()
	case id == r.o.ManagementAccount:
		return &types.MasterCannotLeaveOrganizationException{Message: aws.String("You can't remove a management account from an organization.")}
	case slices.ContainsFunc(r.o.DelegatedAdmins, func(d world.DelegatedAdmin) bool { return d.Account == id }):
		return constraint(types.ConstraintViolationExceptionReasonCannotRemoveDelegatedAdministratorFromOrg, "You must deregister the account as a delegated administrator first.")
	}
	leaves(r.World.Edit(id))
	delete(r.World.EditOrganization().Tags, id)
	return nil
}
