package orgsvc

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

func delegationOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.ListDelegatedAdministratorsInput, organizations.ListDelegatedAdministratorsOutput]{
			name: "ListDelegatedAdministrators", who: observer, do: listDelegatedAdministrators,
			check: func(v *input, in *organizations.ListDelegatedAdministratorsInput) {
				v.optional("ServicePrincipal", in.ServicePrincipal, servicePattern)
				v.page(in.MaxResults)
			},
		}.read(),
		row[organizations.ListDelegatedServicesForAccountInput, organizations.ListDelegatedServicesForAccountOutput]{
			name: "ListDelegatedServicesForAccount", who: observer, do: listDelegatedServices,
			check: func(v *input, in *organizations.ListDelegatedServicesForAccountInput) {
				v.id("AccountId", in.AccountId, accountPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListDelegatedServicesForAccountInput) []string {
				return []string{n.account(*in.AccountId)}
			},
		}.read(),
	}
}

func listDelegatedAdministrators(r *request, in *organizations.ListDelegatedAdministratorsInput) (*organizations.ListDelegatedAdministratorsOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	service := aws.ToString(in.ServicePrincipal)
	since := map[string]time.Time{}
	list := listing[*world.Account]{of: "ListDelegatedAdministrators " + service, key: func(a *world.Account) string { return a.ID }}
	for _, d := range r.o.DelegatedAdmins {
		a := r.findAccount(d.Account)
		if a == nil || service != "" && d.Service != service {
			continue
		}
		if first, seen := since[a.ID]; !seen {
			list.items = append(list.items, a)
			since[a.ID] = d.Since
		} else if d.Since.Before(first) {
			since[a.ID] = d.Since
		}
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListDelegatedAdministratorsOutput{DelegatedAdministrators: []types.DelegatedAdministrator{}, NextToken: next}
	for _, a := range found {
		out.DelegatedAdministrators = append(out.DelegatedAdministrators, r.delegate(a, since[a.ID]))
	}
	return out, err
}

func (n names) delegate(a *world.Account, since time.Time) types.DelegatedAdministrator {
	d := n.describe(a)
	return types.DelegatedAdministrator{
		Arn: d.Arn, DelegationEnabledDate: aws.Time(since), Email: d.Email, Id: d.Id, JoinedMethod: d.JoinedMethod,
		JoinedTimestamp: d.JoinedTimestamp, Name: d.Name, State: d.State, Status: d.Status,
	}
}

// listDelegatedServices omits delegations of which the service was not notified.
func listDelegatedServices(r *request, in *organizations.ListDelegatedServicesForAccountInput) (*organizations.ListDelegatedServicesForAccountOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	if r.findAccount(*in.AccountId) == nil {
		return nil, noAccount()
	}
	of := func(d world.DelegatedAdmin) bool { return d.Account == *in.AccountId }
	if !slices.ContainsFunc(r.o.DelegatedAdmins, of) {
		return nil, &types.AccountNotRegisteredException{Message: aws.String("The specified account is not a delegated administrator.")}
	}
	list := listing[world.DelegatedAdmin]{
		of:  "ListDelegatedServicesForAccount " + *in.AccountId,
		key: func(d world.DelegatedAdmin) string { return d.Service },
	}
	for _, d := range r.o.DelegatedAdmins {
		if of(d) && d.Service != "" {
			list.items = append(list.items, d)
		}
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListDelegatedServicesForAccountOutput{DelegatedServices: []types.DelegatedService{}, NextToken: next}
	for _, d := range found {
		out.DelegatedServices = append(out.DelegatedServices, types.DelegatedService{
			DelegationEnabledDate: aws.Time(d.Since), ServicePrincipal: aws.String(d.Service),
		})
	}
	return out, err
}
