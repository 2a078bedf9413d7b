package view

import (
	"encoding/json"
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
)

// AuditJSON prints a stream as one JSON object, account by account, so that
// memory does not grow with the organization:
// {"accounts":[{…,"user_states":[…],"findings":[…]}],"unread":[…],"skipped":[…],
// "summary":{…},"complete":…,"findings":…,"head":{…}}.
type AuditJSON struct {
	w        io.Writer
	err      error
	some     bool
	users    []audit.User
	findings []audit.Finding
	unread   []org.Gap
	skipped  []org.Gap
	verified *Verification
}

// NewAuditJSON prints to w.
func NewAuditJSON(w io.Writer) *AuditJSON { return &AuditJSON{w: prose.JSON(w)} }

// User keeps a user until its account is complete.
func (a *AuditJSON) User(u audit.User) { a.users = append(a.users, u) }

// Finding keeps a finding.
func (a *AuditJSON) Finding(f audit.Finding) { a.findings = append(a.findings, f) }

// Gap keeps what could not be read for the end.
func (a *AuditJSON) Gap(g org.Gap) { a.unread = append(a.unread, g) }

// Account prints an account with what was kept of it.
func (a *AuditJSON) Account(acc audit.Account) {
	separator := ",\n"
	if !a.some {
		separator = `{"accounts":[` + "\n"
	}
	a.some = true
	if acc.Skipped != "" {
		a.skipped = append(a.skipped, org.Gap{Account: acc.ID, What: "account", Why: acc.Skipped})
	}
	a.print(separator, struct {
		audit.Account
		UserStates []audit.User    `json:"user_states"`
		Findings   []audit.Finding `json:"findings"`
	}{acc, orEmpty(a.users), orEmpty(a.findings)})
	a.users, a.findings = nil, nil
}

// Verified keeps a verification for the end.
func (a *AuditJSON) Verified(v Verification) { a.verified = &v }

func (a *AuditJSON) printVerified() {
	if a.verified == nil {
		return
	}
	a.print(",\n\"assumptions\":", a.verified.Assumptions)
	a.print(",\n\"proof_certificates\":", proofCounts{a.verified.Accepted, a.verified.AnyAction})
	if a.verified.Opinions != nil {
		a.print(",\n\"second_opinion\":", a.verified.Opinions)
	}
}

// Close prints what could not be read and the totals.
func (a *AuditJSON) Close(c Conclusion) error {
	if !a.some {
		a.print(`{"accounts":[`, nil)
	}
	if c.Totals.Findings == nil {
		c.Totals.Findings = map[audit.Severity]int{}
	}
	a.print("],\n\"unread\":", orEmpty(a.unread))
	a.print(",\n\"skipped\":", orEmpty(a.skipped))
	if c.Open > 0 { // of those that are enforced, no answer depends on it
		a.print(",\n\"not_read\":", audit.NotRead)
	}
	a.printVerified()
	a.print(",\n\"summary\":", c.Totals)
	a.print(",\n\"complete\":", c.Complete)
	a.print(",\n\"findings\":", c.Failing)
	if c.Since != nil {
		a.print(",\n\"since\":", c.Since)
	}
	a.print(",\n\"head\":", Headed(&c.Head, &c.End))
	a.print("}\n", nil)
	return a.err
}

func (a *AuditJSON) print(before string, v any) {
	if a.err != nil {
		return
	}
	if _, a.err = io.WriteString(a.w, before); a.err != nil || v == nil {
		return
	}
	var text []byte
	if text, a.err = json.Marshal(v); a.err == nil {
		_, a.err = a.w.Write(text)
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
