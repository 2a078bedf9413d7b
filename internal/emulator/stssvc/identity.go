package stssvc

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

// Source: STS API Reference, GetWebIdentityToken.
const (
	shortestIdentity  = 60
	longestIdentity   = 3600
	identityByDefault = 300
)

// largestIdentity limits the claims about the caller, in bytes. AWS does not publish its
// limit.
const largestIdentity = 8192

// getWebIdentityTokenAsks needs the action alone: the audience, the lifetime and the
// algorithm are condition keys.
// Source: STS API Reference, GetWebIdentityToken; Service Authorization Reference, STS.
func getWebIdentityTokenAsks(_ *operation.Call, in *sts.GetWebIdentityTokenInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{rs256, es384}, *in.SigningAlgorithm) {
		return nil, invalid("The signing algorithm must be RS256 or ES384.")
	}
	return []operation.Ask{{Action: "sts:GetWebIdentityToken", Resource: "*", Context: func(x *policy.Context) {
		x.SetMany("sts:IdentityTokenAudience", in.Audience)
		x.Set("sts:DurationSeconds", fmt.Sprint(identitySeconds(in)))
		x.Set("sts:SigningAlgorithm", *in.SigningAlgorithm)
		setRequestTags(x, in.Tags, nil)
	}}}, nil
}

func identitySeconds(in *sts.GetWebIdentityTokenInput) int32 {
	if in.DurationSeconds == nil {
		return identityByDefault
	}
	return *in.DurationSeconds
}

// getWebIdentityToken signs a token with the key of the account's issuer. Outbound
// federation is off by default.
// Source: IAM User Guide, "Federating AWS identities to external services".
func getWebIdentityToken(c *operation.Call, in *sts.GetWebIdentityTokenInput) (*sts.GetWebIdentityTokenOutput, error) {
	issuer := c.World.Account(c.Caller.Account).TokenIssuer
	if issuer == nil {
		return nil, &types.OutboundWebIdentityFederationDisabledException{
			Message: aws.String("The outbound web identity federation feature is not enabled for this account."),
		}
	}
	expires := c.Now.Truncate(time.Second).Add(time.Duration(identitySeconds(in)) * time.Second)
	if s := c.Caller.Session; s != nil && expires.After(s.Expires) {
		return nil, &types.SessionDurationEscalationException{Message: aws.String("The token would outlive the calling session.")}
	}
	claims := claims{
		Issuer: issuer.URL, Subject: subjectOf(c), Audience: in.Audience, IssuedAt: c.Now.Unix(), NotBefore: c.Now.Unix(),
		Expires: expires.Unix(), ID: c.RequestID, AWS: awsClaims(c, in.Tags),
	}
	if len(claims.AWS) > largestIdentity {
		return nil, &types.JWTPayloadSizeExceededException{Message: aws.String("The requested token payload size exceeds the maximum allowed size. Reduce the number of request tags.")}
	}
	token, err := sign(issuer, *in.SigningAlgorithm, claims)
	if err != nil {
		return nil, err
	}
	return &sts.GetWebIdentityTokenOutput{WebIdentityToken: &token, Expiration: &expires}, nil
}

// subjectOf is the user or role behind the caller.
func subjectOf(c *operation.Call) string {
	if c.Caller.Principal.Issuer != "" {
		return c.Caller.Principal.Issuer
	}
	return c.Caller.Principal.ARN
}

// awsClaims are the claims about the caller.
func awsClaims(c *operation.Call, tags []types.Tag) json.RawMessage {
	known := map[string]any{"aws_account": c.Caller.Account, "principal_id": c.Caller.Principal.ARN}
	if o := c.World.Organization; o != nil {
		known["org_id"] = o.ID
	}
	requested := map[string]string{}
	for _, t := range tags {
		requested[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if len(requested) > 0 {
		known["request_tags"] = requested
	}
	text, err := json.Marshal(known)
	if err != nil {
		panic(err) // strings always marshal
	}
	return text
}
