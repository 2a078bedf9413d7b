package view

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/compare"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
)

// An AuditSink is an output format of the audit's stream. Close ends the stream with the
// totals; Verified may come once before that.
type AuditSink interface {
	audit.Sink
	Verified(Verification)
	Close(Conclusion) error
}

// A Conclusion is what is known when an audit has ended.
type Conclusion struct {
	Head run.Head
	run.End
	Since *compare.Result // an earlier run; nil: not compared
	// Next is the next command after a verb, with the flags that lead to the same
	// organization; nil: none is shown.
	Next func(verb string) string
}

// Title is the line above every output; see [run.Title].
func (c *Conclusion) Title() string { return Clean(run.Title(&c.Head, &c.End)) }

// worst is how many findings and groups are shown without --all.
const worst = 20

// The groupings of findings.
const (
	ByAccount = "account"
	ByRule    = "rule"
	ByUser    = "user"
)

// AuditText prints an audit as text: a summary, the worst findings, the findings by
// rule, what could not be read, and a verdict. Without All, its memory grows with the
// number of accounts and not with the number of users.
type AuditText struct {
	w     io.Writer
	style Style
	// All prints every user and finding, account by account.
	All bool
	// GroupBy is the grouping of the findings: ByAccount, ByRule or ByUser; empty: the
	// worst findings, and the number of findings by rule.
	GroupBy string

	verified *Verification
	rows     []audit.Finding // the worst, or all when they are grouped
	rules    map[string]*findingGroup
	accounts []audit.Account
	unread   []org.Gap
	users    []audit.User    // of the account that is read, for All
	found    []audit.Finding // as users
	blocks   bytes.Buffer    // All: the accounts, as printed
}

// NewAuditText prints to w.
func NewAuditText(w io.Writer, style Style) *AuditText {
	return &AuditText{w: w, style: style, rules: map[string]*findingGroup{}}
}

// User keeps a user until its account is complete.
func (a *AuditText) User(u audit.User) {
	if a.All {
		u.Read = nil
		a.users = append(a.users, u)
	}
}

// Finding counts a finding, and keeps it if it is among the worst.
func (a *AuditText) Finding(f audit.Finding) {
	if a.All {
		a.found = append(a.found, f)
	}
	g := a.rules[f.Rule+string(f.Severity)]
	if g == nil {
		g = &findingGroup{key: f.Rule, severity: f.Severity}
		a.rules[f.Rule+string(f.Severity)] = g
	}
	g.count++
	if a.GroupBy == "" && len(a.rows) == worst && byWeight(f, a.rows[worst-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(a.rows, f, byWeight)
	a.rows = slices.Insert(a.rows, at, f)
	if a.GroupBy == "" && len(a.rows) > worst {
		a.rows = a.rows[:worst]
	}
}

// byWeight orders findings: by severity, users that can act without MFA first, those that
// can do the worst before others, then by account and ID.
func byWeight(x, y audit.Finding) int {
	if n := cmp.Or(cmp.Compare(x.Severity.Rank(), y.Severity.Rank()), cmp.Compare(notOpen(x), notOpen(y))); n != 0 {
		return n // the ranks take longer
	}
	return cmp.Or(cmp.Compare(x.Rank(), y.Rank()), strings.Compare(x.Account, y.Account), strings.Compare(x.ID, y.ID))
}

func notOpen(f audit.Finding) int {
	if f.Rule == "user-open" {
		return 0
	}
	return 1
}

// Gap keeps what could not be read for the end.
func (a *AuditText) Gap(g org.Gap) { a.unread = append(a.unread, g) }

// Account keeps the counts of an account.
func (a *AuditText) Account(acc audit.Account) {
	a.accounts = append(a.accounts, acc)
	if a.All && a.GroupBy == "" && len(a.users)+len(a.found) > 0 {
		fmt.Fprintf(&a.blocks, "\n%s\n", a.style.Paint(text.Bold, AccountName(acc.ID, acc.Name)))
		a.printUsers()
		a.printFindings()
	}
	a.users, a.found = a.users[:0], a.found[:0]
}

func (a *AuditText) printUsers() {
	if len(a.users) == 0 {
		return
	}
	var rows [][]string
	for _, u := range a.users {
		rows = append(rows, []string{"  user/" + Clean(u.Name), a.state(u.State), device(u), string(triWord(u.Console)), activeKeys(u), Clean(reason(u))})
	}
	a.style.Table(&a.blocks, []string{"  user", "state", "device", "console", "keys", "why"}, rows, nil)
	fmt.Fprintln(&a.blocks)
}

func (a *AuditText) printFindings() {
	if len(a.found) == 0 {
		return
	}
	slices.SortStableFunc(a.found, byWeight)
	var rows [][]string
	for _, f := range a.found {
		rows = append(rows, []string{"  " + a.severity(f.Severity), f.Rule, Clean(f.Subject), Clean(f.Words())})
	}
	a.style.Table(&a.blocks, []string{"  severity", "rule", "subject", "finding"}, rows, nil)
}

// Verified keeps a verification for the end.
func (a *AuditText) Verified(v Verification) { a.verified = &v }

// Close prints the report.
func (a *AuditText) Close(c Conclusion) error {
	var out bytes.Buffer
	a.summary(&out, c)
	switch {
	case a.GroupBy != "":
		a.groups(&out)
	case a.All:
		_, _ = out.Write(a.blocks.Bytes())
		a.accountTable(&out, c)
	default:
		a.worst(&out)
	}
	if a.verified == nil && a.GroupBy == "" {
		a.byRule(&out)
	}
	Unread(&out, a.style, a.unread)
	Skipped(&out, a.style, a.skipped())
	fmt.Fprintln(&out)
	if c.Since != nil {
		Comparison(&out, a.style, c.Since, a.All)
		fmt.Fprintln(&out)
	}
	if a.verified != nil {
		a.verified.Text(&out, a.style, c)
	} else {
		a.style.Lines(&out, a.verdict(c))
		c.next(&out, a.nextVerb(c))
	}
	_, err := a.w.Write(out.Bytes())
	return err
}

func (a *AuditText) skipped() []org.Gap {
	var skipped []org.Gap
	for _, acc := range a.accounts {
		if acc.Skipped != "" {
			skipped = append(skipped, org.Gap{Account: acc.ID, What: "account", Why: acc.Skipped})
		}
	}
	return skipped
}

// summary prints the totals.
func (a *AuditText) summary(w io.Writer, c Conclusion) {
	a.style.Lines(w, a.style.Paint(text.Bold, c.Title()))
	fmt.Fprintln(w)
	rows := [][]string{
		{"  can act without MFA", a.number(red, c.Open) + " of " + Count(c.Users, "user"), a.openIn()},
		{"  exempt", prose.Number(c.Exempt), ""},
		{"  enforced", a.number(green, c.Enforced), ""},
	}
	if c.Unknown > 0 {
		rows = append(rows, []string{"  could not be decided", a.number(amber, c.Unknown), ""})
	}
	if c.NewerThanReport > 0 {
		rows = append(rows, []string{"  keys not read", Count(c.NewerThanReport, "user"), "newer than the credential report"})
	}
	if c.AccountsUnread > 0 {
		rows = append(rows, []string{"  not read", Count(c.AccountsUnread, "account"), "see below"})
	}
	if c.AccountsSkipped > 0 {
		rows = append(rows, []string{"  skipped", Count(c.AccountsSkipped, "account"), "suspended or closed"})
	}
	a.style.List(w, rows)
	if c.Open > 0 {
		fmt.Fprintln(w)
		a.style.Lines(w, "  "+audit.AboutNotRead())
	}
	if a.verified == nil {
		a.severities(w, c)
	}
}

func (a *AuditText) severities(w io.Writer, c Conclusion) {
	var parts []string
	for _, s := range audit.Severities {
		if n := c.Totals.Findings[s]; n > 0 {
			parts = append(parts, a.severity(s)+" "+prose.Number(n))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "\n  findings: %s\n", strings.Join(parts, ", "))
	}
}

func (a *AuditText) number(c text.Color, n int) string {
	if n == 0 {
		return "0"
	}
	return a.style.Paint(c, prose.Number(n))
}

// openIn names how many accounts have users that can act without MFA.
func (a *AuditText) openIn() string {
	n := 0
	for _, acc := range a.accounts {
		if acc.Open > 0 {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return "in " + Count(n, "account")
}

// worst prints the worst findings.
func (a *AuditText) worst(w io.Writer) {
	if len(a.rows) == 0 {
		return
	}
	title := "Findings, worst first"
	if all := a.counted(); all > len(a.rows) {
		title = fmt.Sprintf("The %d worst of %s findings (--all shows every one)", len(a.rows), prose.Number(all))
	}
	fmt.Fprintf(w, "\n%s\n\n", a.style.Paint(text.Bold, title))
	var rows [][]string
	for _, f := range a.rows {
		rows = append(rows, []string{"  " + a.severity(f.Severity), f.Rule, Clean(f.Subject), accountLabel(f), Clean(f.Words())})
	}
	a.style.List(w, rows)
}

// counted is the number of findings that were sent.
func (a *AuditText) counted() int {
	n := 0
	for _, g := range a.rules {
		n += g.count
	}
	return n
}

// accountLabel is the name of the account of a finding, or its ID.
func accountLabel(f audit.Finding) string {
	if f.AccountName != "" {
		return Clean(f.AccountName)
	}
	return f.Account
}

// accountTable prints the states of the users by account.
func (a *AuditText) accountTable(w io.Writer, c Conclusion) {
	var rows [][]string
	for _, acc := range a.accounts {
		if acc.Read {
			rows = append(rows, append([]string{acc.ID, Clean(acc.Name)}, counts(acc.Counts)...))
		}
	}
	fmt.Fprintln(w)
	a.style.Table(w, []string{"account", "name", "users", "enforced", "exempt", "open", "unknown"}, rows, append([]string{"total", ""}, counts(c.Counts)...))
}

func counts(c audit.Counts) []string {
	return []string{strconv.Itoa(c.Users), strconv.Itoa(c.Enforced), strconv.Itoa(c.Exempt), strconv.Itoa(c.Open), strconv.Itoa(c.Unknown)}
}

// nextVerb is the verb after an audit; empty: there is nothing to do.
func (a *AuditText) nextVerb(c Conclusion) string {
	switch {
	case c.Open > 0:
		return "plan"
	case c.Complete && c.Users > 0:
		return "verify"
	}
	return ""
}

// verdict is the result in one sentence.
func (a *AuditText) verdict(c Conclusion) string {
	switch {
	case c.AccountsRead == 0 && c.Users == 0:
		return "No account was read."
	case c.Open > 0:
		return a.style.Paint(red, Count(c.Open, "user")+" can act without MFA.")
	case c.Unknown > 0 || len(a.unread) > 0:
		return a.style.Paint(amber, "No user that was read and decided can act without MFA, but the audit is incomplete.")
	}
	return a.style.Paint(green, "No user can act without MFA.")
}

// next prints the next command.
func (c *Conclusion) next(w io.Writer, verb string) {
	if c.Next != nil && verb != "" {
		fmt.Fprintf(w, "Next: %s\n", c.Next(verb))
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
		return a.style.Paint(red, string(s))
	case audit.Unknown:
		return a.style.Paint(amber, string(s))
	case audit.Enforced:
		return a.style.Paint(green, string(s))
	}
	return string(s)
}

func (a *AuditText) severity(s audit.Severity) string {
	switch s {
	case audit.Critical, audit.High:
		return a.style.Paint(red, string(s))
	case audit.Medium:
		return a.style.Paint(amber, string(s))
	}
	return string(s)
}

func reason(u audit.User) string {
	switch {
	case u.Example != nil && u.NotExploitable:
		return "MFA is not required: " + u.Example.String() + "; not exploitable today, because " + u.Hindrance()
	case u.Example != nil:
		return u.Example.String()
	case u.Exemption != "":
		return u.Exemption
	}
	return u.Why
}

func activeKeys(u audit.User) string {
	if !u.KeysKnown() {
		return "?"
	}
	return strconv.Itoa(u.ActiveKeys)
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
