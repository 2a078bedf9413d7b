package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"forcemfa/internal/audit"
)

// A Verification is what verify adds to the stream of an audit.
type Verification struct {
	Assumptions []string // that the proofs make
	// Proofs that the independent checker accepted, and how many of them cover any
	// action that AWS could have.
	Accepted, AnyAction int
	// Opinions are the answers of AWS's policy simulator; nil: it was not asked.
	Opinions []Opinion
}

// An Opinion is what AWS's policy simulator says about one user.
type Opinion struct {
	ARN     string   `json:"arn"`
	Allowed []string `json:"allowed"` // actions without MFA
	Error   string   `json:"error,omitempty"`
}

// proofCounts is the JSON form of the counts.
type proofCounts struct {
	Accepted  int `json:"accepted"`
	AnyAction int `json:"any_action"`
}

// Text prints the verification with its verdict.
func (v *Verification) Text(w io.Writer, total audit.Counts) {
	for _, a := range v.Assumptions {
		fmt.Fprintf(w, "assumed: %s\n", Clean(a))
	}
	if v.Accepted > 0 {
		fmt.Fprintf(w, "proofs independently checked for %s (%d cover any AWS action, %d only the known ones)\n",
			Count(v.Accepted, "user"), v.AnyAction, v.Accepted-v.AnyAction)
	}
	for _, o := range v.Opinions {
		switch {
		case len(o.Allowed) > 0:
			fmt.Fprintf(w, "AWS's policy simulator allows %s without MFA: %s\n", o.ARN, strings.Join(o.Allowed, ", "))
		case o.Error != "":
			fmt.Fprintf(w, "AWS's policy simulator failed for %s: %s\n", o.ARN, Clean(o.Error))
		}
	}
	if v.Opinions != nil {
		fmt.Fprintf(w, "second opinion: asked AWS's policy simulator about %s\n", Count(len(v.Opinions), "user"))
	}
	switch {
	case total.Open > 0:
		fmt.Fprintf(w, "Not proved: %s can act without MFA.\n", Count(total.Open, "user"))
	case total.Unknown > 0:
		fmt.Fprintf(w, "Proved for %s; %d could not be decided.\n", Count(total.Enforced, "user"), total.Unknown)
	default:
		fmt.Fprintf(w, "Proved: without MFA, no IAM user can do anything except enroll a device (%s, %d exempt).\n", Count(total.Enforced, "user"), total.Exempt)
	}
}

// Proofs is a sink that passes a stream on without the findings and collects what is
// known about the proofs: verify reports enforcement only.
type Proofs struct {
	audit.Sink
	Enforced []audit.User

	anyAction   int
	assumptions []string
}

// Finding drops a finding.
func (p *Proofs) Finding(audit.Finding) {}

// User passes a user on.
func (p *Proofs) User(u audit.User) {
	if u.State == audit.Enforced {
		p.Enforced = append(p.Enforced, u)
	}
	if u.Proof == audit.EveryAction {
		p.anyAction++
	}
	for _, a := range u.Assumptions {
		if !slices.Contains(p.assumptions, a) {
			p.assumptions = append(p.assumptions, a)
		}
	}
	p.Sink.User(u)
}

// Verification sums up the proofs; opinions may be nil.
func (p *Proofs) Verification(opinions []Opinion) Verification {
	assumptions := slices.Sorted(slices.Values(p.assumptions))
	return Verification{Assumptions: orEmpty(assumptions), Accepted: len(p.Enforced), AnyAction: p.anyAction, Opinions: opinions}
}
