package view

import (
	"fmt"
	"io"
	"strings"

	"forcemfa/internal/evidence"
	"forcemfa/internal/prose"
)

// WrittenEvidence is a pack that was written, in JSON.
type WrittenEvidence struct {
	Pack      string `json:"pack"`
	Signature string `json:"signature"`
	*evidence.Report
}

// CheckedEvidence is a pack that was checked, in JSON.
type CheckedEvidence struct {
	KeyID       string `json:"key_id"`
	Fingerprint string `json:"fingerprint"`
	KeyKnown    bool   `json:"key_known"` // false: whoever signed it
	*evidence.Report
}

// mostEvidence is how many documents the text lists.
const mostEvidence = 10

// Evidence prints what an evidence pack proves. signer says who signed it; empty: it was
// just written.
func Evidence(w io.Writer, s Style, r *evidence.Report, signer string) {
	m := r.Manifest
	fmt.Fprintln(w, Clean(r.Title()))
	fmt.Fprintln(w)
	var rows [][]string
	row := func(name, format string, args ...any) {
		rows = append(rows, []string{name, Clean(fmt.Sprintf(format, args...))})
	}
	if signer != "" {
		row("signature", "%s", signer)
	}
	if m.Organization != "" {
		row("organization", "%s, read %s", m.Organization, m.Taken.UTC().Format("2006-01-02 15:04 UTC"))
	} else {
		row("organization", "none; read %s", m.Taken.UTC().Format("2006-01-02 15:04 UTC"))
	}
	row("accounts", "%d read, %d not read, %d suspended or closed", m.Accounts.Read, m.Accounts.Unread, m.Accounts.Skipped)
	row("users", "%d enforced, %d exempt, %d open, %d unknown", m.Users.Enforced, m.Users.Exempt, m.Users.Open, m.Users.Unknown)
	row("proofs", "all %d checked by the independent checker: %d cover any AWS action, %d only the known ones",
		m.Users.Enforced, m.Proofs.AnyAction, m.Proofs.ListedActions)
	row("without MFA", "an enforced user can only call %s", strings.Join(m.Claim.Enrollment, ", "))
	if m.Claim.ForwardedCallsPass {
		row("forwarded calls", "are not part of the claim: an AWS service may forward a call for a user without MFA")
	}
	if m.Redaction != nil {
		row("redaction", "%s left out, whose state depends on names", Count(m.Redaction.Users, "user"))
	}
	row("program", "forcemfa %s (%s)", m.Program.Version, m.Program.Go)
	if !r.SameBuild && signer != "" {
		row("sentences", "were written by that program; this build compared everything else in the run and the findings")
	}
	s.List(w, rows)
	evidenceRules(w, s, &r.Rules)
	evidenceDocuments(w, s, r.Documents)
	fmt.Fprintln(w, "\nAssumptions:")
	for _, a := range r.Assumptions {
		s.hang(w, "  - ", Clean(a), 4)
	}
}

// evidenceRules names the rules that only the pack or only this version has.
func evidenceRules(w io.Writer, s Style, r *evidence.RuleDifference) {
	names := func(rules []evidence.RuleCount) string {
		out := make([]string, len(rules))
		for i, rule := range rules {
			out[i] = rule.Rule
		}
		return strings.Join(out, ", ")
	}
	if n := len(r.NotApplied); n > 0 {
		fmt.Fprintln(w)
		s.hang(w, "", fmt.Sprintf("WARNING: the findings of the pack leave out %s of this version, which would add %s: %s. The %s newer than the pack, or left out of it. "+
			"The states and the proofs do not depend on rules.",
			Count(n, "rule"), Count(evidence.CountFindings(r.NotApplied), "finding"), names(r.NotApplied), prose.Plural(n, "rule is", "rules are")), 2)
	}
	if n := len(r.NotChecked); n > 0 {
		fmt.Fprintln(w)
		s.hang(w, "", fmt.Sprintf("WARNING: this version does not have %s of the pack, and did not check %s: %s. Use a version of forcemfa that has them.",
			Count(n, "rule"), Count(evidence.CountFindings(r.NotChecked), "finding"), names(r.NotChecked)), 2)
	}
	if !r.Listed {
		fmt.Fprintln(w)
		s.hang(w, "", "The pack does not list its rules, as those of earlier versions. A rule without findings in the pack, although this version gives some, counts as left out.", 2)
	}
}

func evidenceDocuments(w io.Writer, s Style, documents []evidence.Document) {
	if len(documents) == 0 {
		return
	}
	fmt.Fprintln(w, "\nThe proofs rely on these policy documents:")
	var rows [][]string
	for i, d := range documents {
		if i == mostEvidence {
			rows = append(rows, []string{"", "", fmt.Sprintf("and %d more: -o json lists all", len(documents)-i)})
			break
		}
		rows = append(rows, []string{Count(d.Users, "user"), d.SHA256[:16], Clean(d.Name)})
	}
	s.List(w, rows)
}
