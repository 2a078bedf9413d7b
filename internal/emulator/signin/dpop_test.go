package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
)

// shortKey returns a key one of whose coordinates has a leading zero, and the coordinates.
func shortKey(t *testing.T) (key *ecdsa.PrivateKey, x, y []byte) {
	t.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if x, y := point[1:33], point[33:]; x[0] == 0 || y[0] == 0 {
			return key, x, y
		}
	}
}

// sealed signs a proof whose header has these members.
func sealed(t *testing.T, key *ecdsa.PrivateKey, header map[string]any) string {
	t.Helper()
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString([]byte("payload"))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sign := make([]byte, 64)
	r.FillBytes(sign[:32])
	s.FillBytes(sign[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign)
}

func short(coordinate []byte) string {
	return base64.RawURLEncoding.EncodeToString(new(big.Int).SetBytes(coordinate).Bytes())
}

// A client that leaves out the leading zeros of coordinates has the same key as one that
// sends them, as RFC 7518 requires.
func TestCoordinatesWithoutLeadingZerosAreTheSameKey(t *testing.T) {
	t.Parallel()
	key, x, y := shortKey(t)
	full := base64.RawURLEncoding.EncodeToString
	for name, jwk := range map[string]map[string]string{
		"full":  {"kty": "EC", "crv": "P-256", "x": full(x), "y": full(y)},
		"short": {"kty": "EC", "crv": "P-256", "x": short(x), "y": short(y)},
	} {
		payload, public, err := openProof(sealed(t, key, map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}))
		if err != nil || string(payload) != "payload" || !public.Equal(key.Public()) {
			t.Errorf("%s coordinates: %q, %v, %v", name, payload, public, err)
		}
	}
	good := map[string]string{"kty": "EC", "crv": "P-256", "x": full(x), "y": full(y)}
	for name, header := range map[string]map[string]any{
		"other type":      {"typ": "JWT", "alg": "ES256", "jwk": good},
		"other algorithm": {"typ": "dpop+jwt", "alg": "none", "jwk": good},
		"critical member": {"typ": "dpop+jwt", "alg": "ES256", "jwk": good, "crit": []string{"x"}},
		"no key":          {"typ": "dpop+jwt", "alg": "ES256"},
		"private key":     {"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": full(x), "y": full(y), "d": "AQ"}},
		"longer":          {"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": full(append([]byte{0}, x...)), "y": full(y)}},
		"no point":        {"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": full(y), "y": full(x)}},
	} {
		if _, _, err := openProof(sealed(t, key, header)); err == nil {
			t.Errorf("%s: the proof is accepted", name)
		}
	}
}
