package world

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// NewID returns a unique ID with a prefix: AIDA (user), AROA (role), AGPA
// (group), ANPA (managed policy), AKIA and ASIA (access keys, 20 characters),
// APKA, ACCA and other credentials; 21 characters unless it is a key.
// Source: IAM User Guide, "IAM identifiers", unique ID prefixes.
func (w *World) NewID(prefix string) string {
	length := 21
	if prefix == "AKIA" || prefix == "ASIA" {
		length = 20
	}
	return prefix + w.letters(length-len(prefix))
}

// letters returns n capital letters and digits.
func (w *World) letters(n int) string {
	return base32.StdEncoding.EncodeToString(w.hash("id", w.number()))[:n]
}

// NewCertificateID returns the ID of a signing certificate, which has no prefix.
// Source: IAM API Reference, SigningCertificate: 24 to 128 characters.
func (w *World) NewCertificateID() string { return w.letters(32) }

// NewUUID returns a unique ID in the form of a UUID.
func (w *World) NewUUID() string {
	b := w.hash("uuid", w.number())
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// NewSecret returns a secret access key or password of 40 characters.
func (w *World) NewSecret() string {
	return base64.StdEncoding.EncodeToString(w.secretBytes(30))
}

// NewToken returns a session token.
func (w *World) NewToken() string {
	return "FwoGZXIvYXdzE" + base64.StdEncoding.EncodeToString(w.secretBytes(240))
}

// NewSeed returns a TOTP seed of 40 bytes, 64 characters in base 32, as AWS's
// are.
func (w *World) NewSeed() []byte { return w.secretBytes(40) }

// secretBytes returns n bytes derived from the seed, or random ones with seed 0.
func (w *World) secretBytes(n int) []byte {
	if w.seed == 0 {
		b := make([]byte, n)
		rand.Read(b) // never fails
		return b
	}
	number := w.number()
	var b []byte
	for block := uint64(0); len(b) < n; block++ {
		b = append(b, w.hash("secret", number, block)...)
	}
	return b[:n]
}

// number returns the number of the next ID. Each account has a series of its own, so that
// its IDs do not depend on the calls of others.
func (w *World) number() uint64 {
	if w.account == "" {
		w.next++
		return w.next
	}
	var n uint64
	w.issued.update(w.account, func(issued uint64) uint64 { n = issued + 1; return n })
	return w.first + n
}

func (w *World) hash(what string, numbers ...uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte(what+w.account), w.seed)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
