package oauth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// tokenRequest is the body of a request for a token.
type tokenRequest struct {
	ClientID     string `json:"clientId"`
	GrantType    string `json:"grantType"`
	Code         string `json:"code,omitempty"`
	RedirectURI  string `json:"redirectUri,omitempty"`
	CodeVerifier string `json:"codeVerifier,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

// tokenAnswer is its answer.
type tokenAnswer struct {
	AccessToken struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"accessToken"`
	ExpiresIn    int64  `json:"expiresIn"`
	RefreshToken string `json:"refreshToken"`
	IDToken      string `json:"idToken"`
}

// The codes of an [Error] after which only another sign-in helps.
const (
	TokenExpired            = "TOKEN_EXPIRED"
	CodeExpired             = "AUTHCODE_EXPIRED"
	UserCredentialsChanged  = "USER_CREDENTIALS_CHANGED"
	InsufficientPermissions = "INSUFFICIENT_PERMISSIONS" // until a policy changes
)

// An Error is an answer of the endpoint that is no token.
type Error struct {
	Status        int
	Code, Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("AWS Sign-In: %s: %s", e.Code, e.Message)
}

// largestAnswer is far above the size of a token.
const largestAnswer = 256 << 10

// token asks for a token, and proves that it has the key.
func (c *Client) token(ctx context.Context, key *ecdsa.PrivateKey, in *tokenRequest) (*Token, error) {
	address := strings.TrimSuffix(c.Endpoint, "/") + "/v1/token"
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	proof, err := c.proof(key, address)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("DPoP", proof)
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("AWS Sign-In: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return nil, fmt.Errorf("AWS Sign-In: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, failure(answer.StatusCode, text)
	}
	return c.tokenOf(text, key)
}

// failure reads an error. The text of the answer is that of a server, so it is short.
func failure(status int, text []byte) error {
	var e struct{ Error, Message string }
	if json.Unmarshal(text, &e) != nil || e.Error == "" {
		e.Error, e.Message = fmt.Sprintf("HTTP status %d", status), "the answer is not one of AWS Sign-In"
	}
	return &Error{status, e.Error[:min(len(e.Error), longest)], e.Message[:min(len(e.Message), longest)]}
}

// tokenOf reads a token. An answer without all of it is an error, never half a session.
func (c *Client) tokenOf(text []byte, key *ecdsa.PrivateKey) (*Token, error) {
	var a tokenAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("AWS Sign-In: the answer is not a token: %w", err)
	}
	if a.AccessToken.AccessKeyID == "" || a.AccessToken.SecretAccessKey == "" || a.AccessToken.SessionToken == "" || a.RefreshToken == "" || a.ExpiresIn <= 0 {
		return nil, fmt.Errorf("AWS Sign-In: the token is not complete")
	}
	raw, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	return &Token{
		AccessKeyID: a.AccessToken.AccessKeyID, SecretAccessKey: a.AccessToken.SecretAccessKey, SessionToken: a.AccessToken.SessionToken,
		Expires: c.Now().Add(time.Duration(min(a.ExpiresIn, mostSeconds)) * time.Second), Refresh: a.RefreshToken,
		Key: base64.StdEncoding.EncodeToString(raw), ARN: subject(a.IDToken),
	}, nil
}

// mostSeconds is how long a sign-in lasts; AWS's credentials last 15 minutes.
const mostSeconds = 12 * 60 * 60

// subject returns the ARN in an ID token. It comes from the endpoint itself, and nothing
// depends on it except what is shown, so the signature is not verified (OpenID Connect
// Core, 3.1.3.7).
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Subject string `json:"sub"`
	}
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Subject
}

// proof signs method, address and time of a request. Source: RFC 9449, 4.2.
func (c *Client) proof(key *ecdsa.PrivateKey, address string) (string, error) {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	part := base64.RawURLEncoding.EncodeToString
	header, err := json.Marshal(map[string]any{
		"typ": "dpop+jwt", "alg": "ES256",
		"jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": part(point[1:33]), "y": part(point[33:])},
	})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"jti": rand.Text(), "htm": http.MethodPost, "htu": address, "iat": c.Now().Unix()})
	if err != nil {
		return "", err
	}
	signed := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + part(signature[:]), nil
}
