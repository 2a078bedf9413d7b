package stssvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
)

// getWebIdentityTokenAsks needs the action alone: the audience and the lifetime are
// condition keys.
// Source: STS API Reference, GetWebIdentityToken; Service Authorization Reference, STS.
func getWebIdentityTokenAsks(_ *operation.Call, in *sts.GetWebIdentityTokenInput) ([]operation.Ask, error) {
	var v violations
	v.count("audience", len(in.Audience), 10)
	v.number("durationSeconds", in.DurationSeconds, 60, 3600)
	if err := v.err(); err != nil {
		return nil, err
	}
	if len(in.Audience) == 0 || aws.ToString(in.SigningAlgorithm) == "" {
		return nil, invalid("1 validation error detected: Value at 'audience' or 'signingAlgorithm' failed to satisfy constraint: Member must not be null")
	}
	return []operation.Ask{{Action: "sts:GetWebIdentityToken", Resource: "*"}}, nil
}

// getWebIdentityToken is the answer of an account that has not enabled outbound
// federation, which is the default.
// Source: IAM User Guide, "Federating AWS identities to external services".
func getWebIdentityToken(*operation.Call, *sts.GetWebIdentityTokenInput) (*sts.GetWebIdentityTokenOutput, error) {
	return nil, &types.OutboundWebIdentityFederationDisabledException{
		Message: aws.String("The outbound web identity federation feature is not enabled for this account."),
	}
}
