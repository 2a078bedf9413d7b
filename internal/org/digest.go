package org

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
)

// Digest identifies what decides in the account: default documents (as
// [Canonical] sees them), attachments, memberships, boundaries, tags, trust
// policies, the place in the organization with its SCPs and RCPs, devices, and whether
// passwords and keys are active. Left out: IDs of entities and dates, last
// used, versions that are not the default, quotas, gaps, tags of managed
// policies (our own fingerprint among them), and what is only read of users
// that a step would change, so that two reads of an unchanged account agree.
//
// Two accounts with the same digest have no [Diff]. The header tells the names
// of SCPs and RCPs.
func (a *Account) Digest(h *Header) string {
	return digest("account", a.facts(h), nil)
}

// Digest identifies an organization: what its header decides (units, SCPs and
// RCPs, where they are attached) and the digests of its accounts, in any order.
func Digest(h *Header, accounts []string) string {
	sorted := slices.Sorted(slices.Values(accounts))
	return digest("organization", h.facts(), sorted)
}

// digest hashes with the length before each text, so that no two lists of
// facts run together.
func digest(what string, facts []fact, more []string) string {
	h := sha256.New()
	write := func(s string) {
		io.WriteString(h, strconv.Itoa(len(s)))
		io.WriteString(h, ":")
		io.WriteString(h, s)
	}
	write("forcemfa " + what + " 1")
	write(strconv.Itoa(len(facts)))
	for _, f := range facts {
		write(f.subject)
		write(string(f.aspect))
		write(f.key)
		write(f.value)
	}
	for _, s := range more {
		write(s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
