package orgsvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

func accountOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.DescribeAccountInput, organizations.DescribeAccountOutput]{
			name: "DescribeAccount", who: observer, do: describeAccount,
			check: func(v *input, in *organizations.DescribeAccountInput) {
				v.id("AccountId", in.AccountId, accountPattern)
			},
			on: func(n names, in *organizations.DescribeAccountInput) []string {
				return []string{n.account(*in.AccountId)}
			},
		}.read(),
		row[organizations.ListAccountsInput, organizations.ListAccountsOutput]{
			name: "ListAccounts", who: observer, do: listAccounts,
			check: func(v *input, in *organizations.ListAccountsInput) { v.page(in.MaxResults) },
		}.read(),
		row[organizations.ListAccountsForParentInput, organizations.ListAccountsForParentOutput]{
			name: "ListAccountsForParent", who: observer, do: listAccountsForParent,
			check: func(v *input, in *organizations.ListAccountsForParentInput) {
				v.id("ParentId", in.ParentId, parentPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListAccountsForParentInput) []string {
				return []string{n.unit(*in.ParentId)}
			},
		}.read(),
		row[organizations.MoveAccountInput, organizations.MoveAccountOutput]{
			name: "MoveAccount", who: manager, do: moveAccount,
			check: func(v *input, in *organizations.MoveAccountInput) {
				v.id("AccountId", in.AccountId, accountPattern)
				v.id("SourceParentId", in.SourceParentId, parentPattern)
				v.id("DestinationParentId", in.DestinationParentId, parentPattern)
			},
			on: func(n names, in *organizations.MoveAccountInput) []string {
				return []string{n.account(*in.AccountId), n.unit(*in.SourceParentId), n.unit(*in.DestinationParentId)}
			},
		}.write(),
	}
}

// status returns Account.Status, which Account.State has replaced.
// Source: Organizations User Guide, "Monitor the state of your AWS accounts".
func status(a *world.Account) types.AccountStatus {
	switch types.AccountState(a.State) {
	case types.AccountStateActive:
		return types.AccountStatusActive
	case types.AccountStatePendingClosure:
		return types.AccountStatusPendingClosure
	}
	return types.AccountStatusSuspended
}

func joinedMethod(a *world.Account) types.AccountJoinedMethod {
	if a.Invited {
		return types.AccountJoinedMethodInvited
	}
	return types.AccountJoinedMethodCreated
}

func (n names) describe(a *world.Account) types.Account {
	return types.Account{
		Arn:             aws.String(n.account(a.ID)),
		Email:           aws.String(a.Email),
		Id:              aws.String(a.ID),
		JoinedMethod:    joinedMethod(a),
		JoinedTimestamp: aws.Time(a.Joined),
		Name:            aws.String(a.Name),
		Paths:           []string{n.unitPath(a.Unit) + a.ID + "/"},
		State:           types.AccountState(a.State),
		Status:          status(a),
	}
}

func describeAccount(r *request, in *organizations.DescribeAccountInput) (*organizations.DescribeAccountOutput, error) {
	a := r.findAccount(*in.AccountId)
	if a == nil {
		return nil, noAccount()
	}
	account := r.describe(a)
	return &organizations.DescribeAccountOutput{Account: &account}, nil
}

func noAccount() error {
	return &types.AccountNotFoundException{Message: aws.String("You specified an account that doesn't exist.")}
}

// pageOfAccounts returns a page of the accounts that keep selects.
func (r *request) pageOfAccounts(of string, keep func(*world.Account) bool, token *string, most *int32) ([]types.Account, *string, error) {
	list := listing[*world.Account]{of: of, items: r.accounts(keep), key: func(a *world.Account) string { return a.ID }}
	found, next, err := list.page(r, token, most)
	accounts := make([]types.Account, 0, len(found))
	for _, a := range found {
		accounts = append(accounts, r.describe(a))
	}
	return accounts, next, err
}

func listAccounts(r *request, in *organizations.ListAccountsInput) (*organizations.ListAccountsOutput, error) {
	all := func(*world.Account) bool { return true }
	accounts, next, err := r.pageOfAccounts("ListAccounts", all, in.NextToken, in.MaxResults)
	return &organizations.ListAccountsOutput{Accounts: accounts, NextToken: next}, err
}

func listAccountsForParent(r *request, in *organizations.ListAccountsForParentInput) (*organizations.ListAccountsForParentOutput, error) {
	if err := r.needParent(*in.ParentId); err != nil {
		return nil, err
	}
	below := func(a *world.Account) bool { return a.Unit == *in.ParentId }
	accounts, next, err := r.pageOfAccounts("ListAccountsForParent "+*in.ParentId, below, in.NextToken, in.MaxResults)
	return &organizations.ListAccountsForParentOutput{Accounts: accounts, NextToken: next}, err
}

func moveAccount(r *request, in *organizations.MoveAccountInput) (*organizations.MoveAccountOutput, error) {
	a := r.findAccount(*in.AccountId)
	switch {
	case a == nil:
		return nil, noAccount()
	case r.findUnit(*in.DestinationParentId) == nil:
		return nil, &types.DestinationParentNotFoundException{Message: aws.String("You specified a destination parent that doesn't exist.")}
	case a.Unit == *in.DestinationParentId:
		return nil, &types.DuplicateAccountException{Message: aws.String("The account is already present in the destination.")}
	case a.Unit != *in.SourceParentId:
		return nil, &types.SourceParentNotFoundException{Message: aws.String("You specified a source parent that the account is not in.")}
	}
	r.World.Edit(a.ID).Unit = *in.DestinationParentId
	return &organizations.MoveAccountOutput{}, nil
}
