package world

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// A TokenIssuer signs the identity tokens of an account for services outside AWS. Its
// keys are made on first use, and shared by all forks of a world.
type TokenIssuer struct {
	URL string
	rsa func() (*rsa.PrivateKey, error)
	ec  func() (*ecdsa.PrivateKey, error)
}

// NewTokenIssuer returns an issuer with a URL and keys of its own.
func (w *World) NewTokenIssuer() *TokenIssuer {
	return &TokenIssuer{
		URL: "https://" + w.NewUUID() + ".tokens.sts.global.api.aws",
		rsa: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
		ec:  sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }),
	}
}

// RSA returns the key for RS256.
func (i *TokenIssuer) RSA() (*rsa.PrivateKey, error) { return i.rsa() }

// EC returns the key for ES384.
func (i *TokenIssuer) EC() (*ecdsa.PrivateKey, error) { return i.ec() }

// Issuer returns the issuer with a URL; nil if no account has it.
func (w *World) Issuer(url string) *TokenIssuer {
	for _, a := range w.accounts.all {
		if a.TokenIssuer != nil && a.TokenIssuer.URL == url {
			return a.TokenIssuer
		}
	}
	return nil
}
