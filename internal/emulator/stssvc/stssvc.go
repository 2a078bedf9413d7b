// Package stssvc implements the Security Token Service in the embedded AWS as
// one table of operations.
//
// The MFA code of a call is checked and spent before the authorization: it is
// part of the caller's identity, and the role's trust policy sees the result as
// aws:MultiFactorAuthPresent. A wrong code therefore fails with its own message
// even where the role could not be assumed with a right one, and a right code
// stays spent when the role then refuses.
package stssvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy/arn"
)

// Operations returns the operations of STS.
func Operations() []operation.Operation {
	return []operation.Operation{
		operation.Within(operation.Write("AssumeRole", assumeRoleAsks, assumeRole), roleIsOwn),
		unsigned(operation.Write("AssumeRoleWithSAML", assumeRoleWithSAMLAsks, assumeRoleWithSAML)),
		unsigned(operation.Write("AssumeRoleWithWebIdentity", assumeRoleWithWebIdentityAsks, assumeRoleWithWebIdentity)),
		operation.Write("AssumeRoot", assumeRootAsks, assumeRoot),
		own(operation.Read("DecodeAuthorizationMessage", decodeAuthorizationMessageAsks, decodeAuthorizationMessage)),
		own(operation.Read("GetAccessKeyInfo", getAccessKeyInfoAsks, getAccessKeyInfo)),
		own(operation.Read("GetCallerIdentity", getCallerIdentityAsks, getCallerIdentity)),
		operation.Write("GetDelegatedAccessToken", getDelegatedAccessTokenAsks, getDelegatedAccessToken),
		own(operation.Write("GetFederationToken", getFederationTokenAsks, getFederationToken)),
		own(operation.Write("GetSessionToken", getSessionTokenAsks, getSessionToken)),
		own(operation.Read("GetWebIdentityToken", getWebIdentityTokenAsks, getWebIdentityToken)),
	}
}

// own is an operation that concerns the account of the caller alone.
func own(op operation.Operation) operation.Operation {
	op.Reach = operation.Own
	return op
}

// roleIsOwn reports whether the role is in the account of the caller.
func roleIsOwn(account string, in any) bool {
	role, err := arn.Parse(aws.ToString(in.(*sts.AssumeRoleInput).RoleArn))
	return err == nil && role.Account == account
}

func unsigned(op operation.Operation) operation.Operation {
	op.Unsigned = true
	return op
}

// getCallerIdentityAsks requires no permission: the call works even when access
// is denied.
// Source: STS API Reference, GetCallerIdentity.
func getCallerIdentityAsks(*operation.Call, *sts.GetCallerIdentityInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "sts:GetCallerIdentity", Resource: "*", Unconditional: true}}, nil
}

func getCallerIdentity(c *operation.Call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Caller.Account),
		Arn:     aws.String(c.Caller.Principal.ARN),
		UserId:  aws.String(c.Caller.UserID()),
	}, nil
}

func getAccessKeyInfoAsks(_ *operation.Call, in *sts.GetAccessKeyInfoInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "sts:GetAccessKeyInfo", Resource: "*"}}, validate(in)
}

func getAccessKeyInfo(c *operation.Call, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	id := aws.ToString(in.AccessKeyId)
	if owner, known := c.World.FindKey(id); known {
		return &sts.GetAccessKeyInfoOutput{Account: aws.String(owner.Account)}, nil
	}
	if s := c.World.Session(id); s != nil {
		return &sts.GetAccessKeyInfoOutput{Account: aws.String(s.Account)}, nil
	}
	return nil, invalid("The access key ID does not exist.")
}
