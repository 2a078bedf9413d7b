// Package oauth is a client of the OAuth 2.0 endpoints of AWS Sign-In. A person signs in
// with a browser, with any MFA device, and this program gets short-lived credentials and a
// refresh token for them: authorization code with PKCE (RFC 7636), a redirect to loopback
// (RFC 8252), and a proof of possession with each request for a token (DPoP, RFC 9449).
//
// Source: API model of AWS Sign-In, CreateOAuth2Token; AWS Sign-In API Reference,
// AuthorizeOAuth2Access.
package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// clientID is that of programs on the machine of the browser.
const clientID = "arn:aws:signin:::devtools/same-device"

// callback is the path that AWS Sign-In redirects to. It accepts no other.
const callback = "/oauth/callback"

// A Doer does requests.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A Client talks to one endpoint of AWS Sign-In.
type Client struct {
	Endpoint string // such as https://eu-west-1.signin.aws.amazon.com
	HTTP     Doer
	Now      func() time.Time
}

// A Token is a session, and what renews it.
type Token struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time

	Refresh string // the refresh token
	Key     string // the private key of the proofs, in Base64
	ARN     string // of the user who signed in; empty after a refresh
}

// An Attempt waits for a person to sign in.
type Attempt struct {
	client   *Client
	listener net.Listener
	key      *ecdsa.PrivateKey
	state    string
	verifier string
}

// Begin listens on loopback for the end of a sign-in; port 0 takes a free one. Close the
// attempt.
func (c *Client) Begin(port int) (*Attempt, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("wait for the browser: %w", err)
	}
	return &Attempt{client: c, listener: listener, key: key, state: rand.Text(), verifier: rand.Text() + rand.Text()}, nil
}

// Close stops listening.
func (a *Attempt) Close() { _ = a.listener.Close() }

func (a *Attempt) redirect() string { return "http://" + a.listener.Addr().String() + callback }

// URL is where the person signs in. It contains no secret.
func (a *Attempt) URL() string {
	sum := sha256.Sum256([]byte(a.verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "scope": {"openid"}, "state": {a.state}, "redirect_uri": {a.redirect()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"SHA-256"},
	}
	return strings.TrimSuffix(a.client.Endpoint, "/") + "/v1/authorize?" + q.Encode()
}

// Wait waits until the browser comes back, and exchanges the code for a token. It ends
// with its context.
func (a *Attempt) Wait(ctx context.Context) (*Token, error) {
	code, err := a.code(ctx)
	if err != nil {
		return nil, err
	}
	return a.client.token(ctx, a.key, &tokenRequest{
		ClientID: clientID, GrantType: "authorization_code", Code: code, RedirectURI: a.redirect(), CodeVerifier: a.verifier,
	})
}

// Refresh returns the next session with the refresh token of one.
func (c *Client) Refresh(ctx context.Context, t *Token) (*Token, error) {
	raw, err := base64.StdEncoding.DecodeString(t.Key)
	if err != nil {
		return nil, fmt.Errorf("read the key of the sign-in: %w", err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, fmt.Errorf("read the key of the sign-in: %w", err)
	}
	return c.token(ctx, key, &tokenRequest{ClientID: clientID, GrantType: "refresh_token", RefreshToken: t.Refresh})
}
