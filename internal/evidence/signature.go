package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"aead.dev/minisign"
)

// Keys are long-lived. A pack is signed with minisign's format and algorithm (Ed25519
// over BLAKE2b-512), so that Debian's minisign verifies it too.

// A PrivateKey signs packs.
type PrivateKey = minisign.PrivateKey

// A PublicKey verifies packs.
type PublicKey = minisign.PublicKey

// NewKey makes a key, and returns the texts of its two files. The file of the private key
// is not encrypted.
func NewKey(random io.Reader) (private, public []byte, err error) {
	pub, key, err := minisign.GenerateKey(random)
	if err != nil {
		return nil, nil, err
	}
	if private, err = key.MarshalText(); err != nil {
		return nil, nil, err
	}
	if public, err = pub.MarshalText(); err != nil {
		return nil, nil, err
	}
	return append(private, '\n'), append(public, '\n'), nil
}

// ParsePrivateKey reads a private key of [NewKey] or of minisign. password is called only
// if the key is encrypted.
func ParsePrivateKey(text []byte, password func() (string, error)) (PrivateKey, error) {
	var key PrivateKey
	if minisign.IsEncrypted(text) {
		given, err := password()
		if err != nil {
			return key, err
		}
		// The error of minisign does not say which of the two it is.
		if key, err = minisign.DecryptKey(given, text); err != nil {
			return key, errors.New("the password is wrong, or the key was changed")
		}
		return key, nil
	}
	if err := key.UnmarshalText(text); err != nil {
		return key, errors.New("is not the private key of minisign")
	}
	return key, nil
}

// ParsePublicKey reads a public key of [NewKey] or of minisign.
func ParsePublicKey(text []byte) (PublicKey, error) {
	var key PublicKey
	if err := key.UnmarshalText([]byte(strings.TrimSpace(string(text)))); err != nil {
		return key, errors.New("is not the public key of minisign")
	}
	return key, nil
}

// Fingerprint is the SHA-256 of a public key.
func Fingerprint(key PublicKey) string {
	sum := sha256.Sum256([]byte(key.String()))
	return "SHA256:" + hex.EncodeToString(sum[:])
}

// keyMark comes before the public key in the trusted comment of a signature.
const keyMark = "forcemfa evidence pack, public key "

// Sign returns the signature of all bytes of a pack. Its trusted comment has the public
// key, so that a pack can be found intact without the key; whether to trust the key is
// for the reader to decide.
func Sign(pack io.Reader, key PrivateKey) ([]byte, error) {
	in := minisign.NewReader(pack)
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	public, _ := key.Public().(minisign.PublicKey)
	return in.SignWithComments(key, keyMark+public.String(), "signature of a forcemfa evidence pack; check it with forcemfa evidence check or minisign -V"), nil
}

// mostSignature is above the size of any signature.
const mostSignature = 4 * kib

// Verify verifies the signature of a pack with a key, or, without one, with the key that
// the signature names, which it returns.
func Verify(pack io.Reader, signature []byte, key *PublicKey) (PublicKey, error) {
	var s minisign.Signature
	if len(signature) > mostSignature || s.UnmarshalText(signature) != nil {
		return PublicKey{}, errors.New("the signature is not one of minisign")
	}
	if key == nil {
		text, named := strings.CutPrefix(s.TrustedComment, keyMark)
		var own PublicKey
		if !named || own.UnmarshalText([]byte(text)) != nil {
			return own, errors.New("the signature does not name its key: name the file of the public key with --key")
		}
		key = &own
	}
	if s.KeyID != key.ID() {
		return *key, fmt.Errorf("the pack is signed with the key %016X and not with the key %016X", s.KeyID, key.ID())
	}
	if s.Algorithm != minisign.HashEdDSA {
		return *key, errors.New("the signature is not a prehashed one")
	}
	in := minisign.NewReader(pack)
	if _, err := io.Copy(io.Discard, in); err != nil {
		return *key, err
	}
	if !in.Verify(*key, signature) {
		return *key, errors.New("the signature does not fit: the pack was changed after it was signed, or signed with another key")
	}
	return *key, nil
}
