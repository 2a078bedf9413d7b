package iamsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// featureOperations turn features of the account or organization on and off.
func featureOperations() []operation.Operation {
	here := spec{on: anything}
	return []operation.Operation{
		write("SetSecurityTokenServicePreferences", here, setSecurityTokenServicePreferences),
		write("EnableOutboundWebIdentityFederation", here, enableOutboundWebIdentityFederation),
		write("DisableOutboundWebIdentityFederation", here, disableOutboundWebIdentityFederation),
		read("GetOutboundWebIdentityFederationInfo", here, getOutboundWebIdentityFederationInfo),
		write("EnableOrganizationsRootCredentialsManagement", here, enableOrganizationsRootCredentialsManagement),
		write("DisableOrganizationsRootCredentialsManagement", here, disableOrganizationsRootCredentialsManagement),
		write("EnableOrganizationsRootSessions", here, enableOrganizationsRootSessions),
		write("DisableOrganizationsRootSessions", here, disableOrganizationsRootSessions),
		read("ListOrganizationsFeatures", here, listOrganizationsFeatures),
	}
}

func setSecurityTokenServicePreferences(c *operation.Call, in *iam.SetSecurityTokenServicePreferencesInput) (*iam.SetSecurityTokenServicePreferencesOutput, error) {
	version := 1
	if in.GlobalEndpointTokenVersion == types.GlobalEndpointTokenVersionV2Token {
		version = 2
	}
	edit(c).TokenVersion = version
	return &iam.SetSecurityTokenServicePreferencesOutput{}, nil
}

// enableOutboundWebIdentityFederation gives the account an issuer of its own.
// Source: IAM User Guide, "Federating AWS identities to external services".
func enableOutboundWebIdentityFederation(c *operation.Call, _ *iam.EnableOutboundWebIdentityFederationInput) (*iam.EnableOutboundWebIdentityFederationOutput, error) {
	a := edit(c)
	if a.TokenIssuer != nil {
		return nil, &types.FeatureEnabledException{Message: aws.String("Outbound web identity federation is already enabled for this account.")}
	}
	a.TokenIssuer = c.World.NewTokenIssuer()
	return &iam.EnableOutboundWebIdentityFederationOutput{IssuerIdentifier: aws.String(a.TokenIssuer.URL)}, nil
}

func outboundDisabled() error {
	return &types.FeatureDisabledException{Message: aws.String("Outbound web identity federation is not enabled for this account.")}
}

func disableOutboundWebIdentityFederation(c *operation.Call, _ *iam.DisableOutboundWebIdentityFederationInput) (*iam.DisableOutboundWebIdentityFederationOutput, error) {
	a := edit(c)
	if a.TokenIssuer == nil {
		return nil, outboundDisabled()
	}
	a.TokenIssuer = nil
	return &iam.DisableOutboundWebIdentityFederationOutput{}, nil
}

func getOutboundWebIdentityFederationInfo(c *operation.Call, _ *iam.GetOutboundWebIdentityFederationInfoInput) (*iam.GetOutboundWebIdentityFederationInfoOutput, error) {
	issuer := account(c).TokenIssuer
	if issuer == nil {
		return nil, outboundDisabled()
	}
	return &iam.GetOutboundWebIdentityFederationInfoOutput{IssuerIdentifier: aws.String(issuer.URL), JwtVendingEnabled: true}, nil
}

// organization returns the organization for operations on centralized root access,
// which only its management account or the account that is delegated for IAM may call.
// Source: IAM API Reference, EnableOrganizationsRootSessions.
func organization(c *operation.Call) (*world.Organization, error) {
	o := c.World.Organization
	switch {
	case o == nil:
		return nil, &types.OrganizationNotFoundException{Message: aws.String("The account is not in an organization.")}
	case o.FeatureSet != "ALL":
		return nil, &types.OrganizationNotInAllFeaturesModeException{Message: aws.String("The organization does not have all features enabled.")}
	case !c.World.IsManagement(c.Caller.Account) && !o.Delegates(c.Caller.Account, iamPrincipal):
		return nil, &types.AccountNotManagementOrDelegatedAdministratorException{Message: aws.String("The account is neither the management account nor a delegated administrator for IAM.")}
	case !o.Trusts(iamPrincipal):
		return nil, &types.ServiceAccessNotEnabledException{Message: aws.String("Trusted access is not enabled for IAM.")}
	}
	return o, nil
}

const iamPrincipal = "iam.amazonaws.com"

// setFeature turns a feature on or off and returns the organization. Only the
// management account may turn one on.
func setFeature(c *operation.Call, feature string, on bool) (*world.Organization, error) {
	if _, err := organization(c); err != nil {
		return nil, err
	}
	if on && !c.World.IsManagement(c.Caller.Account) {
		return nil, &types.CallerIsNotManagementAccountException{Message: aws.String("The account is not the management account.")}
	}
	o := c.World.EditOrganization()
	o.RootFeatures = slices.DeleteFunc(o.RootFeatures, func(f string) bool { return f == feature })
	if on {
		o.RootFeatures = append(o.RootFeatures, feature)
	}
	return o, nil
}

func featureTypes(o *world.Organization) []types.FeatureType {
	enabled := []types.FeatureType{}
	for _, f := range o.RootFeatures {
		enabled = append(enabled, types.FeatureType(f))
	}
	return enabled
}

func enableOrganizationsRootCredentialsManagement(c *operation.Call, _ *iam.EnableOrganizationsRootCredentialsManagementInput) (*iam.EnableOrganizationsRootCredentialsManagementOutput, error) {
	o, err := setFeature(c, world.RootCredentials, true)
	if err != nil {
		return nil, err
	}
	return &iam.EnableOrganizationsRootCredentialsManagementOutput{OrganizationId: aws.String(o.ID), EnabledFeatures: featureTypes(o)}, nil
}

func disableOrganizationsRootCredentialsManagement(c *operation.Call, _ *iam.DisableOrganizationsRootCredentialsManagementInput) (*iam.DisableOrganizationsRootCredentialsManagementOutput, error) {
	o, err := setFeature(c, world.RootCredentials, false)
	if err != nil {
		return nil, err
	}
	return &iam.DisableOrganizationsRootCredentialsManagementOutput{OrganizationId: aws.String(o.ID), EnabledFeatures: featureTypes(o)}, nil
}

func enableOrganizationsRootSessions(c *operation.Call, _ *iam.EnableOrganizationsRootSessionsInput) (*iam.EnableOrganizationsRootSessionsOutput, error) {
	o, err := setFeature(c, world.RootSessions, true)
	if err != nil {
		return nil, err
	}
	return &iam.EnableOrganizationsRootSessionsOutput{OrganizationId: aws.String(o.ID), EnabledFeatures: featureTypes(o)}, nil
}

func disableOrganizationsRootSessions(c *operation.Call, _ *iam.DisableOrganizationsRootSessionsInput) (*iam.DisableOrganizationsRootSessionsOutput, error) {
	o, err := setFeature(c, world.RootSessions, false)
	if err != nil {
		return nil, err
	}
	return &iam.DisableOrganizationsRootSessionsOutput{OrganizationId: aws.String(o.ID), EnabledFeatures: featureTypes(o)}, nil
}

func listOrganizationsFeatures(c *operation.Call, _ *iam.ListOrganizationsFeaturesInput) (*iam.ListOrganizationsFeaturesOutput, error) {
	o, err := organization(c)
	if err != nil {
		return nil, err
	}
	return &iam.ListOrganizationsFeaturesOutput{OrganizationId: aws.String(o.ID), EnabledFeatures: featureTypes(o)}, nil
}
