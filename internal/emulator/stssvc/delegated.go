package stssvc

import (
	"crypto/subtle"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

func getDelegatedAccessTokenAsks(_ *operation.Call, in *sts.GetDelegatedAccessTokenInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "sts:GetDelegatedAccessToken", Resource: "*"}}, validate(in)
}

// getDelegatedAccessToken returns a session of the identity that accepted the delegation
// request, limited to the permissions of the request. It ends when the delegation ends,
// which counts from when the token was sent. AWS does not say whether the session has the
// MFA of who accepted: here it has none.
// Source: IAM API Reference, CreateDelegationRequest, SessionDuration.
func getDelegatedAccessToken(c *operation.Call, in *sts.GetDelegatedAccessTokenInput) (*sts.GetDelegatedAccessTokenOutput, error) {
	d := delegationWith(c, *in.TradeInToken)
	if d == nil {
		return nil, &types.ExpiredTradeInTokenException{Message: aws.String("The trade-in token is invalid or has expired.")}
	}
	packed, err := pack(c.World, d.OwnerAccount, &d.Document, nil, nil)
	if err != nil {
		return nil, err
	}
	s := world.Session{
		Account: d.OwnerAccount, User: d.Approver.User, Role: d.Approver.Role, Name: d.Approver.Session,
		Credential: policy.FederatedRole, Present: policy.False, Policies: packed.policies,
	}
	if s.User == "" && s.Role == "" {
		s.Credential = policy.RootSession
	}
	out := &sts.GetDelegatedAccessTokenOutput{AssumedPrincipal: aws.String(d.Approver.ARN)}
	out.Credentials = issue(c, s, d.Sent.Add(d.Duration).Sub(c.Now.Truncate(time.Second)), nil)
	return out, nil
}

// delegationWith returns the request of the caller's account with a valid token.
func delegationWith(c *operation.Call, token string) *world.DelegationRequest {
	for _, d := range c.World.Delegations() {
		if d.Token != "" && subtle.ConstantTimeCompare([]byte(d.Token), []byte(token)) == 1 && d.Requestor == c.Caller.Account && c.Now.Before(d.Sent.Add(d.Duration)) {
			return d
		}
	}
	return nil
}
