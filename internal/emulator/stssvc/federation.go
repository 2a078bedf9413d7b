package stssvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// federatedARN returns the ARN of a federated user.
// Source: IAM User Guide, "IAM identifiers".
func federatedARN(c *operation.Call, name string) string {
	return "arn:" + c.World.Partition + ":sts::" + c.Caller.Account + ":federated-user/" + name
}

func getFederationTokenAsks(c *operation.Call, in *sts.GetFederationTokenInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	if err := longTerm(c, "GetFederationToken"); err != nil {
		return nil, err
	}
	if _, err := newSessionTags(nil, in.Tags, nil); err != nil {
		return nil, err
	}
	ask := operation.Ask{
		Action: "sts:GetFederationToken", Resource: federatedARN(c, *in.Name),
		Context: func(x *policy.Context) { setRequestTags(x, in.Tags, nil) },
	}
	asks := []operation.Ask{ask}
	if len(in.Tags) > 0 {
		ask.Action = "sts:TagSession"
		asks = append(asks, ask)
	}
	return asks, nil
}

// getFederationToken returns a session that never has MFA, and no permissions
// without session policies.
func getFederationToken(c *operation.Call, in *sts.GetFederationTokenInput) (*sts.GetFederationTokenOutput, error) {
	packed, err := pack(c.World, c.Caller.Account, in.Policy, in.PolicyArns, in.Tags)
	if err != nil {
		return nil, err
	}
	tags, err := newSessionTags(nil, in.Tags, nil)
	if err != nil {
		return nil, err
	}
	s := world.Session{
		Account: c.Caller.Account, Name: *in.Name, Tags: tags.all,
		Credential: policy.FederationToken, Present: policy.False, Policies: packed.policies,
	}
	if c.Caller.User != nil {
		s.User = world.Fold(c.Caller.User.Name)
	}
	out := &sts.GetFederationTokenOutput{
		Credentials: issue(c, s, ownDuration(c, in.DurationSeconds), in.MinimumSessionTokenSize),
		FederatedUser: &types.FederatedUser{
			Arn:             aws.String(federatedARN(c, *in.Name)),
			FederatedUserId: aws.String(c.Caller.Account + ":" + *in.Name),
		},
		//lint:ignore SA1019 AWS still answers with it.
		PackedPolicySize: packed.percent,
	}
	out.SessionTokenSize = aws.Int32(int32(len(*out.Credentials.SessionToken)))
	return out, nil
}
