package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

// The tags of the ForceMFA policy. FingerprintTag identifies the document that
// forcemfa wrote last, so that an older version is distinguished from an edited one.
// ManagedByTag shows in the console that forcemfa manages the policy.
const (
	FingerprintTag = "forcemfa-fingerprint"
	ManagedByTag   = "managed-by"
	ManagedBy      = "forcemfa"
)

// Fingerprint identifies a document regardless of its white space.
func Fingerprint(document string) string {
	if d, err := policy.Parse(policy.Identity, document); err == nil {
		document = d.String()
	}
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// FingerprintOf is the fingerprint in the tags of the policy; empty when there is
// none or the tags were not read.
func FingerprintOf(p *org.Policy) string { return tagOf(p, FingerprintTag) }

// OtherManager is what the tag managed-by of the policy names; empty for forcemfa and
// for no tag.
func OtherManager(p *org.Policy) string {
	if by := tagOf(p, ManagedByTag); by != ManagedBy {
		return by
	}
	return ""
}

func tagOf(p *org.Policy, key string) string {
	i := slices.IndexFunc(p.Tags, func(t org.Tag) bool { return t.Key == key })
	if i < 0 {
		return ""
	}
	return p.Tags[i].Value
}
