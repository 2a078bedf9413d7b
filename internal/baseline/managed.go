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
func FingerprintOf(p *org.Policy) string {
	i := slices.IndexFunc(p.Tags, func(t org.Tag) bool { return t.Key == FingerprintTag })
	if i < 0 {
		return ""
	}
	return p.Tags[i].Value
}

// granted are the actions that the largest forcemfa document allows.
var granted = func() []string {
	var actions []string
	for _, s := range append(load("enroll.json"), load("full.json")...) {
		actions = append(actions, s.Action...)
	}
	return actions
}()

// CanBeManaged reports whether forcemfa can have written an inline policy with its
// name, even if the policy has drifted: it grants only actions of the largest
// forcemfa document. Inline policies have no path to distinguish them, and replacing
// or deleting another policy would remove permissions.
func CanBeManaged(document string) bool {
	d, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(d.Statements, grantsMore)
}

func grantsMore(s policy.Statement) bool {
	if s.Effect != policy.Allow {
		return false
	}
	return len(s.NotActions) > 0 || slices.ContainsFunc(s.Actions, func(action string) bool { return !slices.Contains(granted, action) })
}
