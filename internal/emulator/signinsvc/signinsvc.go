// Package signinsvc implements the permissions and the sessions of AWS Sign-In of the
// embedded AWS. Package signin speaks OAuth 2.0, and calls its operations for a user who
// has signed in to the console.
package signinsvc

import (
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// Operations returns the operations of AWS Sign-In that `aws login` needs.
func Operations() []operation.Operation {
	return []operation.Operation{
		operation.Read("AuthorizeOAuth2Access", askAuthorize, authorize),
		operation.Write("CreateOAuth2Token", askToken, createToken),
	}
}

// A Client is the program that the user signs in for.
type Client struct {
	Remote bool // on another machine than the browser
}

// AuthorizeInput is the input of AuthorizeOAuth2Access.
type AuthorizeInput struct{ Client Client }

// AuthorizeOutput is its output.
type AuthorizeOutput struct{}

// TokenInput is the input of CreateOAuth2Token.
type TokenInput struct{ Client Client }

// TokenOutput contains no secret, because CloudTrail records it. The credentials are
// those of the session in the world.
type TokenOutput struct {
	AccessKeyID string    `json:"accessKeyId"`
	Expires     time.Time `json:"expiration"`
}

// lasts is the duration of the credentials.
// Source: API model of AWS Sign-In, CreateOAuth2TokenResponseBody, expiresIn.
const lasts = 15 * time.Minute

// asks returns the permission for a client.
// Source: Service Authorization Reference, "AWS Signin", resource type
// oauth2-public-client-localhost and -remote.
func asks(c *operation.Call, action string, client Client) []operation.Ask {
	where := "localhost"
	if client.Remote {
		where = "remote"
	}
	return []operation.Ask{{Action: "signin:" + action, Resource: c.ARN("signin", "oauth2/public-client/"+where)}}
}

func askAuthorize(c *operation.Call, in *AuthorizeInput) ([]operation.Ask, error) {
	return asks(c, "AuthorizeOAuth2Access", in.Client), nil
}

func authorize(*operation.Call, *AuthorizeInput) (*AuthorizeOutput, error) {
	return &AuthorizeOutput{}, nil
}

func askToken(c *operation.Call, in *TokenInput) ([]operation.Ask, error) {
	if c.Caller.Session == nil || c.Caller.User == nil {
		return nil, operation.Fault("AccessDeniedException", "Only the console session of a user has an OAuth token.")
	}
	return asks(c, "CreateOAuth2Token", in.Client), nil
}

// createToken starts a session of the user with the MFA state of the console session. It
// does not outlive that session.
func createToken(c *operation.Call, _ *TokenInput) (*TokenOutput, error) {
	console := c.Caller.Session
	s := &world.Session{
		AccessKeyID: c.World.NewID("ASIA"), Secret: c.World.NewSecret(), Token: c.World.NewToken(),
		Credential: console.Credential, Present: console.Present, MFAAt: console.MFAAt,
		Account: console.Account, User: console.User, Issued: c.Now, Expires: c.Now.Add(lasts),
	}
	if s.Expires.After(console.Expires) {
		s.Expires = console.Expires
	}
	if c.Readings.LoginLosesMFA {
		s.Credential, s.Present, s.MFAAt = policy.ConsolePassword, policy.False, time.Time{}
	}
	c.World.AddSession(s)
	return &TokenOutput{s.AccessKeyID, s.Expires}, nil
}
