package stssvc

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// Durations of sessions, in seconds.
// Source: STS API Reference, GetSessionToken, GetFederationToken, AssumeRole.
const (
	shortest     = 900
	longest      = 129600 // of a user's own session and of a federated one
	byDefault    = 43200
	longestRole  = 43200
	longestRoot  = 3600
	longestChain = 3600

	largestToken = 4096 // that MinimumSessionTokenSize may ask for, in bytes
)

// getSessionTokenAsks requires no permission: no policy can control the
// operation.
// Source: IAM User Guide, "Permissions for GetSessionToken".
func getSessionTokenAsks(c *operation.Call, in *sts.GetSessionTokenInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	if err := longTerm(c, "GetSessionToken"); err != nil {
		return nil, err
	}
	return []operation.Ask{{Action: "sts:GetSessionToken", Resource: "*", Unconditional: true}}, nil
}

// longTerm refuses callers with temporary credentials.
func longTerm(c *operation.Call, name string) error {
	if c.Caller.Session != nil {
		return denied("Cannot call %s with session credentials", name)
	}
	return nil
}

func getSessionToken(c *operation.Call, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	withMFA, err := authenticate(c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	s := world.Session{Account: c.Caller.Account, Credential: policy.SessionToken, Present: policy.False}
	if withMFA {
		s.Credential, s.Present, s.MFAAt = policy.SessionTokenMFA, policy.True, c.Now
	}
	if c.Caller.Principal.Kind == policy.RootUser {
		s.Credential = policy.RootSession
	} else {
		s.User = world.Fold(c.Caller.User.Name)
	}
	return &sts.GetSessionTokenOutput{Credentials: issue(c, s, ownDuration(c, in.DurationSeconds), nil)}, nil
}

// ownDuration returns the duration of a session that a user or root requests.
// Root gets at most one hour.
func ownDuration(c *operation.Call, asked *int32) time.Duration {
	seconds := int32(byDefault)
	if asked != nil {
		seconds = *asked
	}
	if c.Caller.Principal.Kind == policy.RootUser {
		seconds = min(seconds, longestRoot)
	}
	return time.Duration(seconds) * time.Second
}

// issue registers a session and returns its credentials.
func issue(c *operation.Call, s world.Session, lasts time.Duration, atLeast *int32) *types.Credentials {
	s.AccessKeyID = c.World.NewID("ASIA")
	s.Secret = c.World.NewSecret()
	s.Token = c.World.NewToken()
	for len(s.Token) < int(aws.ToInt32(atLeast)) {
		s.Token += c.World.NewToken()
	}
	// Expiration has whole seconds on the wire.
	s.Issued = c.Now.Truncate(time.Second)
	s.Expires = s.Issued.Add(lasts)
	c.World.AddSession(&s)
	return &types.Credentials{
		AccessKeyId:     aws.String(s.AccessKeyID),
		SecretAccessKey: aws.String(s.Secret),
		SessionToken:    aws.String(s.Token),
		Expiration:      aws.Time(s.Expires),
	}
}
