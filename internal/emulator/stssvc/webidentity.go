package stssvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

func invalidIdentity(message string) error {
	return &types.InvalidIdentityTokenException{Message: &message}
}

// assumeRoleWithWebIdentityAsks verifies the token before the authorization: its claims
// are what the trust policy decides about. Only tokens that an account of this AWS
// issued can be verified. Others are refused.
// Source: IAM User Guide, "OIDC federation"; STS API Reference,
// AssumeRoleWithWebIdentity.
func assumeRoleWithWebIdentityAsks(c *operation.Call, in *sts.AssumeRoleWithWebIdentityInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	named, role, err := roleNamed(c, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	t, provider, err := verifiedToken(c, named.Account, *in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	a := assumption{arn: *in.RoleArn, account: named.Account, role: role}
	return []operation.Ask{{
		Action: "sts:AssumeRoleWithWebIdentity", Resource: a.arn, ResourceAccount: a.account, Policies: a.trust(c.World),
		Principal: &policy.Principal{Kind: policy.Federated, Account: a.account, ARN: provider.ARN},
		Context: func(x *policy.Context) {
			x.Set("sts:RoleSessionName", *in.RoleSessionName)
			x.Set("aws:FederatedProvider", provider.ARN)
			x.Set(provider.URL+":sub", t.Subject)
			x.Set(provider.URL+":aud", t.matched(provider))
			a.describe(x)
		},
	}}, nil
}

// matched returns the audience that the provider accepts; empty when there is none.
func (t *token) matched(p *world.OIDCProvider) string {
	for _, a := range t.Audience {
		if slices.Contains(p.ClientIDs, a) {
			return a
		}
	}
	return ""
}

// verifiedToken returns a valid token and the provider of the account that stands for
// its issuer.
func verifiedToken(c *operation.Call, account, text string) (*token, *world.OIDCProvider, error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, nil, invalidIdentity("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	p := providerOf(c.World, account, t.Issuer)
	if p == nil {
		return nil, nil, invalidIdentity("No OpenIDConnect provider found in your account for " + t.Issuer)
	}
	issuer := c.World.Issuer(t.Issuer)
	now := c.Now.Unix()
	switch {
	case issuer == nil:
		return nil, nil, invalidIdentity("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case !t.signedBy(issuer):
		return nil, nil, invalidIdentity("Token signature invalid")
	case now >= t.Expires:
		return nil, nil, &types.ExpiredTokenException{Message: aws.String("Token expired: current date/time must be before the expiration date/time")}
	case now < t.NotBefore || now < t.IssuedAt:
		return nil, nil, invalidIdentity("Token not yet valid")
	case t.matched(p) == "":
		return nil, nil, invalidIdentity("Incorrect token audience")
	}
	return t, p, nil
}

func providerOf(w *world.World, account, issuer string) *world.OIDCProvider {
	a := w.Account(account)
	if a == nil {
		return nil
	}
	host := strings.TrimSuffix(strings.TrimPrefix(issuer, "https://"), "/")
	return a.OIDCProviders["arn:"+w.Partition+":iam::"+account+":oidc-provider/"+host]
}

func assumeRoleWithWebIdentity(c *operation.Call, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	named, role, err := roleNamed(c, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	if role == nil { // not reached: a missing role is never allowed
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	t, provider, err := verifiedToken(c, named.Account, *in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	lasts, err := roleDuration(nil, role, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	packed, err := pack(c.World, named.Account, in.Policy, in.PolicyArns, nil)
	if err != nil {
		return nil, err
	}
	s := world.Session{
		Account: named.Account, Role: world.Fold(role.Name), Name: *in.RoleSessionName,
		Policies: packed.policies, Credential: policy.FederatedRole, Present: policy.False,
	}
	return &sts.AssumeRoleWithWebIdentityOutput{
		AssumedRoleUser: assumedRole(c, named.Account, role, s.Name),
		//lint:ignore SA1019 AWS still answers with it.
		PackedPolicySize: packed.percent, Credentials: issue(c, s, lasts, nil),
		Provider: aws.String(provider.ARN), Audience: aws.String(t.matched(provider)), SubjectFromWebIdentityToken: aws.String(t.Subject),
	}, nil
}

// assumeRoleWithSAMLAsks refuses every assertion: signatures of XML are not verified
// here, and an assertion that is not verified must never be accepted.
func assumeRoleWithSAMLAsks(c *operation.Call, in *sts.AssumeRoleWithSAMLInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	named, _, err := roleNamed(c, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	return nil, samlRefusal(c, named.Account, in)
}

func samlRefusal(c *operation.Call, account string, in *sts.AssumeRoleWithSAMLInput) error {
	a := c.World.Account(account)
	if a == nil || a.SAMLProviders[*in.PrincipalArn] == nil {
		return invalidIdentity("Specified provider doesn't exist")
	}
	if until := a.SAMLProviders[*in.PrincipalArn].ValidUntil; !c.Now.Before(until) {
		return &types.ExpiredTokenException{Message: aws.String("The metadata of the provider expired at " + until.UTC().Format(time.RFC3339))}
	}
	return invalidIdentity("Response signature invalid")
}

func assumeRoleWithSAML(c *operation.Call, in *sts.AssumeRoleWithSAMLInput) (*sts.AssumeRoleWithSAMLOutput, error) {
	_, err := assumeRoleWithSAMLAsks(c, in) // not reached: every assertion is refused before
	return nil, err
}
