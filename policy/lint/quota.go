package lint

import (
	"slices"

	"forcemfa/policy"
)

// The maximum length of documents in characters, without white space.
// Sources: IAM User Guide, "IAM and AWS STS quotas"; Organizations User Guide,
// "Quotas for AWS Organizations".
const (
	managedQuota    = 6144
	userInlineQuota = 2048
	trustQuota      = 4096 // 2048 by default; can be raised
	scpQuota        = 10240
	// largest exceeds the limit of every service: a KMS key policy may have 32
	// kB, bucket and endpoint policies 20 kB.
	largest = 32768
)

var quotas = map[policy.Kind]int{
	policy.Identity: managedQuota, policy.Boundary: managedQuota, policy.Session: userInlineQuota, policy.SCP: scpQuota,
	policy.RCP: 5120, policy.Trust: trustQuota, policy.Resource: largest,
}

// tooLarge reports a document that no service accepts. Nothing else is checked
// then, so that the duration of an inspection is bounded.
func (in *inspection) tooLarge() bool {
	size := policy.Size(in.text)
	if size <= largest {
		return false
	}
	in.add("D-20", -1, "the document has %d characters and %d statements, more than AWS accepts anywhere (%d); nothing else was checked",
		size, len(in.doc.Statements), largest).Severity = High
	return true
}

// quota compares the size with the quotas.
func (in *inspection) quota() {
	size, most := policy.Size(in.text), quotas[in.kind]
	switch {
	case size > most:
		f := in.add("D-20", -1, "the document has %d characters, and the quota of this %s is %d: AWS rejects it", size, in.kind, most)
		f.Severity = Medium
		f.Fix = in.denials(most)
	case in.kind == policy.Identity && in.guard != nil && size > userInlineQuota:
		f := in.add("D-20", -1, "the document has %d characters, and all inline policies of a user together may have %d: it fits only as a managed policy", size, userInlineQuota)
		f.Fix = in.denials(userInlineQuota)
	}
}

// denials returns the fix that keeps only the Denies of a document; nil when
// they do not fit either, or when there are none.
func (in *inspection) denials(most int) *Fix {
	fix := &Fix{}
	var kept []policy.Statement
	for i := range in.doc.Statements {
		if st := in.doc.Statements[i]; st.Effect == policy.Deny {
			kept = append(kept, st)
		} else {
			fix.Changes = append(fix.Changes, Change{Statement: i})
		}
	}
	d := policy.Document{Kind: in.kind, Version: in.doc.Version, ID: in.doc.ID, Statements: slices.Clone(kept)}
	if len(kept) == 0 || len(fix.Changes) == 0 || policy.Size(d.String()) > most {
		return nil
	}
	return fix
}
