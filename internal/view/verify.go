package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
)

// A Verification is what verify adds to the stream of an audit. Its Opinions are nil if
// AWS's policy simulator was not asked.
type Verification run.Proofs

// An Opinion is what AWS's policy simulator says about one user.
type Opinion = run.Opinion

// proofCounts is the JSON form of the counts.
type proofCounts struct {
	Accepted  int `json:"accepted"`
	AnyAction int `json:"any_action"`
}

// Text prints the verification with its verdict.
func (v *Verification) Text(w io.Writer, style Style, c Conclusion) {
	for _, a := range v.Assumptions {
		style.Lines(w, "assumed: "+Clean(a))
	}
	if v.Accepted > 0 {
		style.Lines(w, fmt.Sprintf("proofs independently checked for %s (%s cover any AWS action, %s only the known ones)",
			Count(v.Accepted, "user"), prose.Number(v.AnyAction), prose.Number(v.Accepted-v.AnyAction)))
	}
	for _, o := range v.Opinions {
		switch {
		case len(o.Allowed) > 0:
			style.Lines(w, fmt.Sprintf("AWS's policy simulator allows %s without MFA: %s", o.ARN, strings.Join(o.Allowed, ", ")))
		case o.Error != "":
			style.Lines(w, fmt.Sprintf("AWS's policy simulator failed for %s: %s", o.ARN, Clean(o.Error)))
		}
	}
	if v.Opinions != nil {
		style.Lines(w, "second opinion: asked AWS's policy simulator about "+Count(len(v.Opinions), "user"))
	}
	style.Lines(w, v.verdict(style, c))
	if c.Open > 0 {
		c.next(w, "plan")
	}
}

// verdict is the result in one sentence. Accounts that were not read are named as such,
// and never counted as users.
func (v *Verification) verdict(style Style, c Conclusion) string {
	unread := ""
	if c.AccountsUnread > 0 {
		unread = fmt.Sprintf(" %s not read.", Were(c.AccountsUnread, "account"))
	}
	switch {
	case c.Open > 0:
		return style.Paint(red, fmt.Sprintf("Not proved: %s can act without MFA.", Count(c.Open, "user"))) + unread
	case c.AccountsRead == 0:
		return "Nothing proved: no account was read."
	case c.Unknown > 0:
		return style.Paint(amber, fmt.Sprintf("Proved for %s; %s could not be decided.", Count(c.Enforced, "user"), Count(c.Unknown, "user"))) + unread
	case !c.Complete:
		return style.Paint(amber, fmt.Sprintf("Proved for %s in %s, but not everything was read.", Count(c.Enforced, "user"), Count(c.AccountsRead, "account"))) + unread
	}
	return style.Paint(green, fmt.Sprintf("Proved: without MFA, no IAM user can do anything except enroll a device (%s, %d exempt).", Count(c.Enforced, "user"), c.Exempt))
}

// Enforcement is a sink that passes on the findings about enforcement only: verify shows
// no others.
type Enforcement struct{ AuditSink }

// Finding implements [audit.Sink].
func (e Enforcement) Finding(f audit.Finding) {
	if f.Rule == "user-open" || f.Rule == "user-unknown" {
		e.AuditSink.Finding(f)
	}
}

// Proofs is a sink that passes a stream on and collects what is known about the proofs.
type Proofs struct {
	audit.Sink
	Enforced []audit.User

	anyAction   int
	assumptions []string
}

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
