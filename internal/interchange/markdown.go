package interchange

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
)

// mostRows is how many findings, accounts and reasons the summary lists.
const mostRows = 20

// markdown writes a summary for a ticket, a chat or the summary of a job. It does not
// grow with the organization.
type markdown struct {
	w      io.Writer
	worst  []audit.Finding
	rules  map[string]int
	rank   map[string]audit.Severity
	unread []org.Gap
	more   int // that are not listed
	most   []audit.Account
}

func newMarkdown(w io.Writer) *markdown {
	return &markdown{w: w, rules: map[string]int{}, rank: map[string]audit.Severity{}}
}

func (*markdown) User(audit.User)            {}
func (*markdown) Verified(view.Verification) {}

func (m *markdown) Finding(f audit.Finding) {
	m.rules[f.Rule]++
	if have, ok := m.rank[f.Rule]; !ok || f.Severity.Rank() < have.Rank() {
		m.rank[f.Rule] = f.Severity
	}
	m.worst = least(m.worst, f, func(x, y audit.Finding) int { return cmp.Compare(x.Severity.Rank(), y.Severity.Rank()) })
}

// least inserts an item behind those that are not worse, and keeps the first rows.
func least[T any](list []T, item T, order func(x, y T) int) []T {
	at := len(list)
	for at > 0 && order(item, list[at-1]) < 0 {
		at--
	}
	if at >= mostRows {
		return list
	}
	list = slices.Insert(list, at, item)
	return list[:min(len(list), mostRows)]
}

func (m *markdown) Gap(g org.Gap) {
	if len(m.unread) == mostRows {
		m.more++
		return
	}
	m.unread = append(m.unread, g)
}

func (m *markdown) Account(a audit.Account) {
	if a.Open > 0 {
		m.most = least(m.most, a, func(x, y audit.Account) int { return cmp.Compare(y.Open, x.Open) })
	}
}

func (m *markdown) Close(c view.Conclusion) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "## MFA for IAM users: %s\n\n", view.Markdown(c.Title()))
	fmt.Fprintf(&out, "**%s of %s can act without MFA.**\n\n", prose.Number(c.Open), view.Count(c.Users, "user"))
	if !c.Complete {
		out.WriteString("The audit is incomplete: not everything was read or decided.\n\n")
	}
	view.MarkdownTable(&out, []string{"users", "number"}, [][]string{
		{"can act without MFA", prose.Number(c.Open)}, {"exempt", prose.Number(c.Exempt)}, {"enforced", prose.Number(c.Enforced)}, {"could not be decided", prose.Number(c.Unknown)},
	})
	if s := c.Since; s != nil {
		fmt.Fprintf(&out, "\nSince %s: %s new findings, %s fixed, %s changed, %s still there.\n", s.Earlier.Head.Time.UTC().Format(time.DateOnly),
			prose.Number(len(s.New)), prose.Number(len(s.Fixed)), prose.Number(len(s.Changed)), prose.Number(len(s.Stayed)))
	}
	var accounts, findings, byRule, unread [][]string
	for i := range m.most {
		a := &m.most[i]
		accounts = append(accounts, []string{view.AccountName(a.ID, a.Name), prose.Number(a.Open), prose.Number(a.Users)})
	}
	section(&out, "Accounts with the most users who can act without MFA", []string{"account", "can act without MFA", "users"}, accounts)
	for i := range m.worst {
		f := &m.worst[i]
		findings = append(findings, []string{string(f.Severity), accountName(f), f.Subject, f.What, f.Remedy})
	}
	section(&out, "Findings, worst first", []string{"severity", "account", "subject", "finding", "remedy"}, findings)
	for _, name := range slices.SortedFunc(maps.Keys(m.rules), func(x, y string) int {
		return cmp.Or(cmp.Compare(m.rank[x].Rank(), m.rank[y].Rank()), cmp.Compare(m.rules[y], m.rules[x]), strings.Compare(x, y))
	}) {
		byRule = append(byRule, []string{string(m.rank[name]), name, prose.Number(m.rules[name])})
	}
	section(&out, "Findings by rule", []string{"worst", "rule", "findings"}, byRule)
	for _, g := range m.unread {
		unread = append(unread, []string{cmp.Or(g.Account, "organization"), g.What, g.Why})
	}
	if m.more > 0 {
		unread = append(unread, []string{"…", "", "and " + prose.Number(m.more) + " more"})
	}
	section(&out, "Not read", []string{"account", "what", "why"}, unread)
	_, err := m.w.Write(out.Bytes())
	return err
}

func section(w io.Writer, title string, header []string, list [][]string) {
	if len(list) > 0 {
		fmt.Fprintf(w, "\n### %s\n\n", title)
		view.MarkdownTable(w, header, list)
	}
}
