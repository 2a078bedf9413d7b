package signin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proofAge is how much older or younger than now a DPoP proof may be. AWS does not publish
// it.
const proofAge = 5 * time.Minute

// proofKey returns the thumbprint of the key with which the client signed the request.
// Source: RFC 9449, 4.3, "Checking DPoP Proofs"; RFC 7638.
func (s *server) proofKey(r *http.Request) (string, error) {
	sent := r.Header.Values("DPoP")
	if len(sent) != 1 {
		return "", errProof
	}
	payload, public, err := openProof(sent[0])
	if err != nil {
		return "", err
	}
	if err := s.checkProof(payload, r); err != nil {
		return "", err
	}
	key := jose.JSONWebKey{Key: public}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(print), nil
}

// proofHeader is the header of a DPoP proof.
type proofHeader struct {
	Type      string   `json:"typ"`
	Algorithm string   `json:"alg"`
	Critical  []string `json:"crit"`
	Key       struct {
		Type    string `json:"kty"`
		Curve   string `json:"crv"`
		X       string `json:"x"`
		Y       string `json:"y"`
		Private string `json:"d"`
	} `json:"jwk"`
}

// openProof verifies the signature of a proof with the key in its header. The library for
// JOSE refuses coordinates without leading zeros, which the SDK for Go sends for one key in
// 128 although RFC 7518, 6.2.1.2, requires 32 bytes, and with which it signs in to AWS.
func openProof(compact string) (payload []byte, public *ecdsa.PublicKey, err error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return nil, nil, errProof
	}
	var decoded [3][]byte
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, nil, errProof
		}
	}
	var h proofHeader
	if json.Unmarshal(decoded[0], &h) != nil || h.Type != "dpop+jwt" || h.Algorithm != "ES256" || len(h.Critical) > 0 {
		return nil, nil, errProof
	}
	if public, err = h.public(); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	sign := decoded[2]
	if len(sign) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sign[:32]), new(big.Int).SetBytes(sign[32:])) {
		return nil, nil, errors.New("its signature does not match")
	}
	return decoded[1], public, nil
}

// public returns the public key of a proof.
func (h *proofHeader) public() (*ecdsa.PublicKey, error) {
	k := &h.Key
	if k.Type != "EC" || k.Curve != "P-256" || k.Private != "" {
		return nil, errProof
	}
	point := make([]byte, 65)
	point[0] = 4 // not compressed
	for i, text := range []string{k.X, k.Y} {
		coordinate, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(coordinate) > 32 {
			return nil, errProof
		}
		end := 33 + 32*i
		copy(point[end-len(coordinate):end], coordinate)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errProof
	}
	return public, nil
}

// proofClaims are the claims of a DPoP proof.
type proofClaims struct {
	ID     string `json:"jti"`
	Method string `json:"htm"`
	URL    string `json:"htu"`
	Issued int64  `json:"iat"`
}

func (s *server) checkProof(payload []byte, r *http.Request) error {
	var p proofClaims
	if err := json.Unmarshal(payload, &p); err != nil {
		return errProof
	}
	u, err := url.Parse(p.URL)
	switch age := s.now().Sub(time.Unix(p.Issued, 0)); {
	case p.Method != r.Method:
		return errors.New("htm is not the method of the request")
	case err != nil || !strings.EqualFold(u.Host, r.Host) || u.Path != r.URL.Path:
		return errors.New("htu is not the URL of the request")
	case age > proofAge || age < -proofAge:
		return errors.New("iat is not the time of the request")
	case p.ID == "" || len(p.ID) > 256 || !s.firstUse(p.ID):
		return errors.New("jti is missing or was used before")
	}
	return nil
}

// firstUse remembers the identifiers of proofs for as long as they are valid.
func (s *server) firstUse(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.turned) > 2*proofAge {
		s.old, s.proofs, s.turned = s.proofs, map[string]struct{}{}, now
	}
	_, used := s.proofs[id]
	_, before := s.old[id]
	s.proofs[id] = struct{}{}
	return !used && !before
}
