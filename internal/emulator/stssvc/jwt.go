package stssvc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"

	"forcemfa/internal/emulator/world"
)

// Algorithms of identity tokens.
const (
	rs256 = "RS256"
	es384 = "ES384"
)

// claims are the claims of an identity token that STS reads or writes.
// Source: OpenID Connect Core, 2, "ID Token"; RFC 7519, 4.1.
type claims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  audience        `json:"aud"`
	IssuedAt  int64           `json:"iat"`
	NotBefore int64           `json:"nbf,omitempty"`
	Expires   int64           `json:"exp"`
	ID        string          `json:"jti,omitempty"`
	AWS       json.RawMessage `json:"https://sts.amazonaws.com/,omitempty"`
}

// An audience is one string or a list.
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

type jwtHeader struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	Key       string `json:"kid"`
}

var encoding = base64.RawURLEncoding

// es384Half is the length of each of the two numbers of an ES384 signature.
const es384Half = 48

// sign returns a signed token (RFC 7515).
func sign(issuer *world.TokenIssuer, algorithm string, of claims) (string, error) {
	header, err := json.Marshal(jwtHeader{algorithm, "JWT", algorithm})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	text := encoding.EncodeToString(header) + "." + encoding.EncodeToString(body)
	signature, err := signature(issuer, algorithm, text)
	if err != nil {
		return "", err
	}
	return text + "." + encoding.EncodeToString(signature), nil
}

func signature(issuer *world.TokenIssuer, algorithm, text string) ([]byte, error) {
	if algorithm == rs256 {
		key, err := issuer.RSA()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(text))
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	}
	key, err := issuer.EC()
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum384([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 2*es384Half)
	r.FillBytes(out[:es384Half])
	s.FillBytes(out[es384Half:])
	return out, nil
}

var errNotJWT = errors.New("the token is not a JWT")

// A token is a parsed identity token whose signature is not verified yet.
type token struct {
	claims
	algorithm string
	signed    string
	signature []byte
}

func parseToken(text string) (*token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errNotJWT
	}
	var header jwtHeader
	t := &token{signed: parts[0] + "." + parts[1]}
	for i, into := range []any{&header, &t.claims} {
		part, err := encoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(part, into) != nil {
			return nil, errNotJWT
		}
	}
	signature, err := encoding.DecodeString(parts[2])
	if err != nil || t.Issuer == "" || t.Subject == "" || len(t.Audience) == 0 || t.Expires == 0 {
		return nil, errNotJWT
	}
	t.algorithm, t.signature = header.Algorithm, signature
	return t, nil
}

// signedBy reports whether an issuer signed the token. The algorithm "none" is no
// signature.
func (t *token) signedBy(issuer *world.TokenIssuer) bool {
	switch t.algorithm {
	case rs256:
		key, err := issuer.RSA()
		sum := sha256.Sum256([]byte(t.signed))
		return err == nil && rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], t.signature) == nil
	case es384:
		key, err := issuer.EC()
		if err != nil || len(t.signature) != 2*es384Half {
			return false
		}
		sum := sha512.Sum384([]byte(t.signed))
		r, s := new(big.Int).SetBytes(t.signature[:es384Half]), new(big.Int).SetBytes(t.signature[es384Half:])
		return ecdsa.Verify(&key.PublicKey, sum[:], r, s)
	}
	return false
}
