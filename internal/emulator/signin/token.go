package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-jose/go-jose/v4"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/signinsvc"
	"forcemfa/internal/emulator/world"
)

// A grant is a session of a program, which it can refresh until the console session ends.
type grant struct {
	client  string
	session string // access key ID of the console session
	key     string // thumbprint of the DPoP key

	mu   sync.Mutex // held while the grant is refreshed
	last *tokens    // of the last refresh with this token; nil: none
}

// tokenRequest is the body of a request for a token.
// Source: API model of AWS Sign-In, CreateOAuth2TokenRequestBody.
type tokenRequest struct {
	ClientID     string `json:"clientId"`
	GrantType    string `json:"grantType"`
	Code         string `json:"code"`
	RedirectURI  string `json:"redirectUri"`
	CodeVerifier string `json:"codeVerifier"`
	RefreshToken string `json:"refreshToken"`
}

// tokens are the answer.
// Source: the same, CreateOAuth2TokenResponseBody.
type tokens struct {
	AccessToken  accessToken `json:"accessToken"`
	TokenType    string      `json:"tokenType"`
	ExpiresIn    int64       `json:"expiresIn"`
	RefreshToken string      `json:"refreshToken"`
	IDToken      string      `json:"idToken,omitempty"`

	expires time.Time
}

type accessToken struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
}

// A tokenError is an error of the token endpoint.
// Source: the same, OAuth2ErrorCode and the exceptions.
type tokenError struct {
	status  int
	name    string
	Code    string `json:"error"`
	Message string `json:"message"`
}

func invalid(message string) *tokenError {
	return &tokenError{http.StatusBadRequest, "ValidationException", "INVALID_REQUEST", message}
}

func unauthorized(code, message string) *tokenError {
	return &tokenError{http.StatusUnauthorized, "AccessDeniedException", code, message}
}

func forbidden(code, message string) *tokenError {
	return &tokenError{http.StatusForbidden, "AccessDeniedException", code, message}
}

// largestRequest bounds the body of a request for a token.
const largestRequest = 16 << 10

// token answers requests for a token.
func (s *server) token(w http.ResponseWriter, r *http.Request) {
	out, failed := s.exchange(w, r)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if failed != nil {
		h.Set("X-Amzn-Errortype", failed.name)
		w.WriteHeader(failed.status)
		_ = json.NewEncoder(w).Encode(failed) // the client may have gone
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *server) exchange(w http.ResponseWriter, r *http.Request) (*tokens, *tokenError) {
	in, err := readTokenRequest(http.MaxBytesReader(w, r.Body, largestRequest), r.Header.Get("Content-Type"))
	if err != nil {
		return nil, invalid("The body cannot be read.")
	}
	if in.ClientID != sameDevice && in.ClientID != crossDevice {
		return nil, invalid("clientId must be " + sameDevice + " or " + crossDevice + ".")
	}
	key, err := s.proofKey(r)
	if err != nil {
		return nil, invalid("The DPoP header is not valid: " + err.Error() + ".")
	}
	switch in.GrantType {
	case "authorization_code":
		c, ok := s.redeem(in.Code, in.ClientID, in.RedirectURI, in.CodeVerifier)
		if !ok {
			return nil, unauthorized("AUTHCODE_EXPIRED", "The authorization code is unknown, was used, has expired, or belongs to another request.")
		}
		g := &grant{client: c.client, session: c.session, key: key}
		return s.issue(g, "http://"+r.Host)
	case "refresh_token":
		return s.refresh(in, key)
	}
	return nil, invalid("grantType must be authorization_code or refresh_token.")
}

// readTokenRequest reads JSON, or a form with the names of OAuth 2.0.
func readTokenRequest(body io.Reader, contentType string) (in tokenRequest, err error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind != "application/x-www-form-urlencoded" {
		return in, json.NewDecoder(body).Decode(&in)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return in, err
	}
	form, err := url.ParseQuery(string(text))
	return tokenRequest{
		ClientID: form.Get("client_id"), GrantType: form.Get("grant_type"), Code: form.Get("code"), RedirectURI: form.Get("redirect_uri"),
		CodeVerifier: form.Get("code_verifier"), RefreshToken: form.Get("refresh_token"),
	}, err
}

// refresh answers the same to the same refresh token as long as the credentials are
// valid.
func (s *server) refresh(in tokenRequest, key string) (*tokens, *tokenError) {
	s.mu.Lock()
	g := s.grants[in.RefreshToken]
	s.mu.Unlock()
	switch {
	case g == nil:
		return nil, unauthorized("TOKEN_EXPIRED", "The refresh token is unknown or has expired.")
	case g.client != in.ClientID || g.key != key:
		return nil, invalid("The refresh token belongs to another client or another DPoP key.")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := s.cloud.Now(); g.last != nil && now.Before(g.last.expires) {
		again := *g.last
		again.ExpiresIn = int64(again.expires.Sub(now) / time.Second)
		return &again, nil
	}
	out, failed := s.issue(g, "")
	g.last = out
	return out, failed
}

// mostGrants bounds the refresh tokens.
const mostGrants = 10000

// issue starts a session for a grant. issuer, unless empty, is that of an ID token, which
// only the first answer has.
func (s *server) issue(g *grant, issuer string) (*tokens, *tokenError) {
	caller, err := s.cloud.Caller(g.session)
	if err != nil {
		return nil, unauthorized("TOKEN_EXPIRED", "The session has expired.")
	}
	if s.passwordChanged(caller) {
		return nil, forbidden("USER_CREDENTIALS_CHANGED", "The password of the user has changed.")
	}
	made, d, err := s.cloud.Explain(caller, "signin", "CreateOAuth2Token", &signinsvc.TokenInput{Client: signinsvc.Client{Remote: g.client == crossDevice}})
	if err != nil {
		return nil, refusal(d, err)
	}
	creds, ok := s.cloud.CredentialsOf(made.(*signinsvc.TokenOutput).AccessKeyID)
	if !ok { // the cloud was reset
		return nil, unauthorized("TOKEN_EXPIRED", "The session has expired.")
	}
	out := &tokens{
		AccessToken: accessToken{creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken}, TokenType: "aws_sigv4",
		ExpiresIn: int64(creds.Expires.Sub(s.cloud.Now()) / time.Second), RefreshToken: rand.Text(), expires: creds.Expires,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range s.grants {
		if len(s.grants) >= mostGrants {
			delete(s.grants, text)
		}
	}
	s.grants[out.RefreshToken] = &grant{client: g.client, session: g.session, key: g.key}
	if issuer == "" {
		return out, nil
	}
	if out.IDToken, err = s.signer.token(issuer, caller.Principal.ARN, g.client, creds, s.cloud.Now()); err != nil {
		return nil, &tokenError{http.StatusInternalServerError, "InternalServerException", "server_error", err.Error()}
	}
	return out, nil
}

// refusal is the error for a refused call.
func refusal(d emulator.Decision, err error) *tokenError {
	if d.Decision == emulator.Unauthenticated {
		return unauthorized("TOKEN_EXPIRED", err.Error())
	}
	return forbidden("INSUFFICIENT_PERMISSIONS", err.Error())
}

// passwordChanged reports whether the user of a console session has another password than
// at sign-in, or none.
func (s *server) passwordChanged(caller world.Caller) (changed bool) {
	s.cloud.View(func(*world.World) {
		login := caller.User.Login
		changed = login == nil || login.Changed.After(caller.Session.Issued)
	})
	return changed
}

// An idSigner signs ID tokens with a key that is made on first use.
type idSigner struct {
	once sync.Once
	key  *ecdsa.PrivateKey
	err  error
}

// token returns an ID token. The AWS CLI reads the ARN of the user from it, and does not
// verify it.
func (i *idSigner) token(issuer, subject, audience string, creds aws.Credentials, now time.Time) (string, error) {
	i.once.Do(func() { i.key, i.err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
	if i.err != nil {
		return "", i.err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": issuer, "sub": subject, "aud": audience, "iat": now.Unix(), "exp": creds.Expires.Unix()})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

var errProof = errors.New("it must be one JWT of type dpop+jwt with an EC key, signed with ES256")
