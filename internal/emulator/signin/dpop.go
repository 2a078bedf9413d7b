package signin

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	signed, err := jose.ParseSignedCompact(sent[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return "", errProof
	}
	header := signed.Signatures[0].Protected
	key := header.JSONWebKey
	if header.ExtraHeaders["typ"] != "dpop+jwt" || key == nil || !key.IsPublic() {
		return "", errProof
	}
	if _, ok := key.Key.(*ecdsa.PublicKey); !ok {
		return "", errProof
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return "", errors.New("its signature does not match")
	}
	if err := s.checkProof(payload, r); err != nil {
		return "", err
	}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(print), nil
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
