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

// trustOperations enable other services to work in the organization, and name the
// accounts that manage them.
func trustOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.EnableAWSServiceAccessInput, organizations.EnableAWSServiceAccessOutput]{
			name: "EnableAWSServiceAccess", who: manager, do: enableAccess,
			check: func(v *input, in *organizations.EnableAWSServiceAccessInput) {
				v.id("ServicePrincipal", in.ServicePrincipal, servicePattern)
			},
			service: func(in *organizations.EnableAWSServiceAccessInput) string { return *in.ServicePrincipal },
		}.write(),
		row[organizations.DisableAWSServiceAccessInput, organizations.DisableAWSServiceAccessOutput]{
			name: "DisableAWSServiceAccess", who: manager, do: disableAccess,
			check: func(v *input, in *organizations.DisableAWSServiceAccessInput) {
				v.id("ServicePrincipal", in.ServicePrincipal, servicePattern)
			},
			service: func(in *organizations.DisableAWSServiceAccessInput) string { return *in.ServicePrincipal },
		}.write(),
		row[organizations.ListAWSServiceAccessForOrganizationInput, organizations.ListAWSServiceAccessForOrganizationOutput]{
			name: "ListAWSServiceAccessForOrganization", who: observer, do: listAccess,
			check: func(v *input, in *organizations.ListAWSServiceAccessForOrganizationInput) { v.page(in.MaxResults) },
		}.read(),
		row[organizations.RegisterDelegatedAdministratorInput, organizations.RegisterDelegatedAdministratorOutput]{
			name: "RegisterDelegatedAdministrator", who: manager, do: registerDelegate,
			check: func(v *input, in *organizations.RegisterDelegatedAdministratorInput) {
				v.id("AccountId", in.AccountId, accountPattern)
				v.id("ServicePrincipal", in.ServicePrincipal, servicePattern)
			},
			on: func(n names, in *organizations.RegisterDelegatedAdministratorInput) []string {
				return []string{n.account(*in.AccountId)}
			},
			service: func(in *organizations.RegisterDelegatedAdministratorInput) string { return *in.ServicePrincipal },
		}.write(),
		row[organizations.DeregisterDelegatedAdministratorInput, organizations.DeregisterDelegatedAdministratorOutput]{
			name: "DeregisterDelegatedAdministrator", who: manager, do: deregisterDelegate,
			check: func(v *input, in *organizations.DeregisterDelegatedAdministratorInput) {
				v.id("AccountId", in.AccountId, accountPattern)
				v.id("ServicePrincipal", in.ServicePrincipal, servicePattern)
			},
			on: func(n names, in *organizations.DeregisterDelegatedAdministratorInput) []string {
				return []string{n.account(*in.AccountId)}
			},
			service: func(in *organizations.DeregisterDelegatedAdministratorInput) string { return *in.ServicePrincipal },
		}.write(),
	}
}

// needAllFeatures refuses what an organization with consolidated billing alone cannot do.
func (r *request) needAllFeatures() error {
	if r.o.FeatureSet == string(types.OrganizationFeatureSetAll) {
		return nil
	}
	return constraint(types.ConstraintViolationExceptionReasonOrganizationNotInAllFeaturesMode, "The organization does not have all features enabled.")
}

// enableAccess succeeds also when the service has access already.
func enableAccess(r *request, in *organizations.EnableAWSServiceAccessInput) (*organizations.EnableAWSServiceAccessOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	if !r.o.Trusts(*in.ServicePrincipal) {
		o := r.World.EditOrganization()
		o.Access = append(o.Access, world.ServiceAccess{Service: *in.ServicePrincipal, Since: r.Now.Truncate(time.Second)})
	}
	return &organizations.EnableAWSServiceAccessOutput{}, nil
}

// disableAccess refuses while an account manages the service.
// Source: Organizations API Reference, DisableAWSServiceAccess.
func disableAccess(r *request, in *organizations.DisableAWSServiceAccessInput) (*organizations.DisableAWSServiceAccessOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(r.o.DelegatedAdmins, func(d world.DelegatedAdmin) bool { return d.Service == *in.ServicePrincipal }) {
		return nil, constraint(types.ConstraintViolationExceptionReasonDelegatedAdministratorExistsForThisService, "You must deregister the delegated administrators of the service first.")
	}
	o := r.World.EditOrganization()
	o.Access = slices.DeleteFunc(o.Access, func(a world.ServiceAccess) bool { return a.Service == *in.ServicePrincipal })
	return &organizations.DisableAWSServiceAccessOutput{}, nil
}

func listAccess(r *request, in *organizations.ListAWSServiceAccessForOrganizationInput) (*organizations.ListAWSServiceAccessForOrganizationOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	list := listing[world.ServiceAccess]{of: "ListAWSServiceAccessForOrganization", items: slices.Clone(r.o.Access), key: func(a world.ServiceAccess) string { return a.Service }}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListAWSServiceAccessForOrganizationOutput{EnabledServicePrincipals: []types.EnabledServicePrincipal{}, NextToken: next}
	for _, a := range found {
		out.EnabledServicePrincipals = append(out.EnabledServicePrincipals, types.EnabledServicePrincipal{DateEnabled: aws.Time(a.Since), ServicePrincipal: aws.String(a.Service)})
	}
	return out, err
}

// registerDelegate requires the trusted access of the service.
// Source: Organizations API Reference, RegisterDelegatedAdministrator.
func registerDelegate(r *request, in *organizations.RegisterDelegatedAdministratorInput) (*organizations.RegisterDelegatedAdministratorOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	switch {
	case r.findAccount(*in.AccountId) == nil:
		return nil, noAccount()
	case *in.AccountId == r.o.ManagementAccount:
		return nil, constraint(types.ConstraintViolationExceptionReasonCannotRegisterMasterAsDelegatedAdministrator, "You cannot register the management account as a delegated administrator.")
	case r.o.Delegates(*in.AccountId, *in.ServicePrincipal):
		return nil, &types.AccountAlreadyRegisteredException{Message: aws.String("The specified account is already a delegated administrator for this AWS service.")}
	case !r.o.Trusts(*in.ServicePrincipal):
		return nil, constraint(types.ConstraintViolationExceptionReasonServiceAccessNotEnabled, "You must enable trusted access of the service first.")
	}
	o := r.World.EditOrganization()
	o.DelegatedAdmins = append(o.DelegatedAdmins, world.DelegatedAdmin{Account: *in.AccountId, Service: *in.ServicePrincipal, Since: r.Now.Truncate(time.Second)})
	return &organizations.RegisterDelegatedAdministratorOutput{}, nil
}

func deregisterDelegate(r *request, in *organizations.DeregisterDelegatedAdministratorInput) (*organizations.DeregisterDelegatedAdministratorOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	switch {
	case r.findAccount(*in.AccountId) == nil:
		return nil, noAccount()
	case !r.o.Delegates(*in.AccountId, *in.ServicePrincipal):
		return nil, &types.AccountNotRegisteredException{Message: aws.String("The specified account is not a delegated administrator for this AWS service.")}
	}
	o := r.World.EditOrganization()
	o.DelegatedAdmins = slices.DeleteFunc(o.DelegatedAdmins, func(d world.DelegatedAdmin) bool {
		return d.Account == *in.AccountId && d.Service == *in.ServicePrincipal
	})
	return &organizations.DeregisterDelegatedAdministratorOutput{}, nil
}
