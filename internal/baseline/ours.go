package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

// The tags of our managed policy. FingerprintTag says which document forcemfa
// gave it last, so that an older one of ours is told from one that somebody
// edited; ManagedByTag says in the console what keeps the policy.
const (
	FingerprintTag = "forcemfa-fingerprint"
	ManagedByTag   = "managed-by"
	ManagedBy      = "forcemfa"
)

// Fingerprint identifies a document of ours whatever its white space.
func Fingerprint(document string) string {
	if d, err := policy.Parse(policy.Identity, document); err == nil {
		document = d.String()
	}
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// FingerprintOf is the fingerprint that our policy bears; empty when it bears
// none or its tags were not read.
func FingerprintOf(p *org.Policy) string {
	i := slices.IndexFunc(p.Tags, func(t org.Tag) bool { return t.Key == FingerprintTag })
	if i < 0 {
		return ""
	}
	return p.Tags[i].Value
}

// granted are the actions that our fullest document allows.
var granted = func() []string {
	var actions []string
	for _, s := range append(load("enroll.json"), load("full.json")...) {
		actions = append(actions, s.Action...)
	}
	return actions
}()

// CanBeOurs tells whether an inline policy of our name can be one that
// forcemfa wrote, however it has drifted since: it grants nothing but what our
// fullest document does. An inline policy has no path that would tell, and to
// replace or to delete one that somebody else wrote would take rights away.
func CanBeOurs(document string) bool {
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
