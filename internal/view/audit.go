package view

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// An AuditSink is an output format of the audit's stream. Close ends the stream with the
// totals; Verified may come once before that.
type AuditSink interface {
	audit.Sink
	Verified(Verification)
	Close(audit.Counts) error
}

// AuditText prints a stream as text: per account the open users and the findings, then a
// table of the accounts.
type AuditText struct {
	w     io.Writer
	style Style
	// All also prints the enforced and exempt users.
	All bool

	verified *Verification

	accounts []audit.Account
	users    []audit.User
	findings []audit.Finding
	unread   []org.Gap
}

// NewAuditText prints to w.
func NewAuditText(w io.Writer, style Style) *AuditText { return &AuditText{w: w, style: style} }

// User keeps a user until its account is complete.
func (a *AuditText) User(u audit.User) {
	if a.All || u.State == audit.Open || u.State == audit.Unknown {
		u.Read = nil
		a.users = append(a.users, u)
	}
}

// Finding keeps a finding.
func (a *AuditText) Finding(f audit.Finding) { a.findings = append(a.findings, f) }

// Gap keeps what could not be read for the end.
func (a *AuditText) Gap(g org.Gap) { a.unread = append(a.unread, g) }

// Account prints what was kept of an account.
func (a *AuditText) Account(acc audit.Account) {
	a.accounts = append(a.accounts, acc)
	if len(a.users)+len(a.findings) > 0 {
		fmt.Fprintf(a.w, "%s\n", a.style.Paint(text.Bold, AccountName(acc.ID, acc.Name)))
		a.printUsers()
		a.printFindings()
	}
	a.users, a.findings = a.users[:0], a.findings[:0]
}

func (a *AuditText) printUsers() {
	if len(a.users) == 0 {
		return
	}
	var rows [][]string
	for _, u := range a.users {
		rows = append(rows, []string{"  user/" + Clean(u.Name), a.state(u.State), device(u), string(triWord(u.Console)), strconv.Itoa(u.ActiveKeys), Clean(reason(u))})
	}
	a.style.Table(a.w, []string{"  user", "state", "device", "console", "keys", "why"}, rows, nil)
	fmt.Fprintln(a.w)
}

func (a *AuditText) printFindings() {
	slices.SortStableFunc(a.findings, func(x, y audit.Finding) int { return Rank(x.Severity) - Rank(y.Severity) })
	var rows [][]string
	for _, f := range a.findings {
		if f.Rule == "user-open" || f.Rule == "user-unknown" {
			continue // in the table of users
		}
		rows = append(rows, []string{"  " + a.severity(f.Severity), f.Rule, Clean(f.Subject), Clean(f.What)})
	}
	if len(rows) > 0 {
		a.style.Table(a.w, []string{"  severity", "rule", "subject", "what"}, rows, nil)
		fmt.Fprintln(a.w)
	}
}

// Verified keeps a verification for the end.
func (a *AuditText) Verified(v Verification) { a.verified = &v }

// Close prints the table of accounts, what could not be read and the verification.
func (a *AuditText) Close(total audit.Counts) error {
	a.style.AccountTable(a.w, a.accounts, total)
	Unread(a.w, a.style, a.unread)
	if a.verified != nil {
		a.verified.Text(a.w, total)
	}
	return nil
}

// AccountTable prints the states of the users by account.
func (s Style) AccountTable(w io.Writer, accounts []audit.Account, total audit.Counts) {
	var rows [][]string
	for _, acc := range accounts {
		rows = append(rows, append([]string{acc.ID, Clean(acc.Name)}, counts(acc.Counts)...))
	}
	s.Table(w, []string{"account", "name", "users", "enforced", "exempt", "open", "unknown"}, rows, append([]string{"total", ""}, counts(total)...))
}

func counts(c audit.Counts) []string {
	return []string{strconv.Itoa(c.Users), strconv.Itoa(c.Enforced), strconv.Itoa(c.Exempt), strconv.Itoa(c.Open), strconv.Itoa(c.Unknown)}
}

// Unread prints the accounts and documents that could not be read, and why.
func Unread(w io.Writer, style Style, unread []org.Gap) {
	for _, g := range unread {
		where := g.Account
		if where == "" {
			where = "organization"
		}
		fmt.Fprintf(w, "%s %s: %s: %s\n", style.Paint(text.FgYellow, "could not read"), where, Clean(g.What), Clean(g.Why))
	}
}

// AccountName is the ID of an account with its name.
func AccountName(id, name string) string {
	if name == "" {
		return id
	}
	return id + " (" + Clean(name) + ")"
}

func (a *AuditText) state(s audit.State) string {
	switch s {
	case audit.Open:
		return a.style.Paint(text.FgRed, string(s))
	case audit.Unknown:
		return a.style.Paint(text.FgYellow, string(s))
	case audit.Enforced:
		return a.style.Paint(text.FgGreen, string(s))
	}
	return string(s)
}

func (a *AuditText) severity(s audit.Severity) string {
	switch s {
	case audit.Critical, audit.High:
		return a.style.Paint(text.FgRed, string(s))
	case audit.Medium:
		return a.style.Paint(text.FgYellow, string(s))
	}
	return string(s)
}

// Rank orders severities, worst first: 0 is critical. Any other text ranks last.
func Rank(s audit.Severity) int {
	order := []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

func reason(u audit.User) string {
	switch {
	case u.Example != nil && u.NotExploitable:
		return "nothing denies " + u.Example.String() + "; not exploitable today, because no policy allows it"
	case u.Example != nil:
		return u.Example.String()
	case u.Exemption != "":
		return u.Exemption
	}
	return u.Why
}

// UserLine is a user's state in one line.
func UserLine(u audit.User) string {
	line := string(u.State)
	if why := reason(u); why != "" {
		line += ": " + why
	}
	return Clean(fmt.Sprintf("%s (device %s, console %s, active keys %d)", line, device(u), triWord(u.Console), u.ActiveKeys))
}

func device(u audit.User) string {
	if len(u.Devices) == 0 {
		switch u.MFA {
		case org.Yes:
			return "yes"
		case org.No:
			return "none"
		}
		return "?"
	}
	var kinds []string
	for _, d := range u.Devices {
		kinds = append(kinds, string(d.Kind))
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), "+")
}

func triWord(t org.Tri) org.Tri {
	if t == org.Unknown {
		return "?"
	}
	return t
}

// AuditJSON prints a stream as one JSON object, account by account, so that
// memory does not grow with the organization:
// {"accounts":[{…,"user_states":[…],"findings":[…]}],"unread":[…],"summary":{…}}.
type AuditJSON struct {
	w        io.Writer
	err      error
	some     bool
	users    []audit.User
	findings []audit.Finding
	unread   []org.Gap
	verified *Verification
}

// NewAuditJSON prints to w.
func NewAuditJSON(w io.Writer) *AuditJSON { return &AuditJSON{w: w} }

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
func (a *AuditJSON) Close(total audit.Counts) error {
	if !a.some {
		a.print(`{"accounts":[`, nil)
	}
	a.print("],\n\"unread\":", orEmpty(a.unread))
	a.printVerified()
	a.print(",\n\"summary\":", total)
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
