package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// summary is what the template shows.
type summary struct {
	Policy string
	Style  template.CSS

	Title, OrganizationID      string
	Date, When                 string
	Unix                       int64
	AccountsRead               string
	Config, Version            string
	Number, Verdict            string
	Lead                       string
	Counts                     audit.Counts
	Whole                      template.HTML
	Legend                     []legend
	NotRead                    string
	Accounts, Units            []share
	AccountsNote               string
	Funnel                     []step
	WorstTitle                 string
	Worst                      []worstLine
	Dates                      []date
	Change                     *change
	Trend                      *trendPicture
	Impact                     *impactTable
	Keys                       *keyTable
	Forecast                   *forecastTable
	Plan                       *planTable
	Exemptions                 []exemptionLine
	ExemptionsNote, UnreadNote string
	Unread                     []unreadLine
	Assumptions                []assumption
	Proofs, NeverRead          string
	About                      []fact
	First                      []firstLine
	Severities, FindingsNote   string
	Rules                      []ruleLine
	Requirements               []requirement
	Documents                  []documentLine
}

type legend struct{ Fill, State, Count, Words, Note string }

type share struct {
	Name        string
	Link        template.URL
	Bar         template.HTML
	Open, Users string
}

type step struct {
	Name, Count string
	Bar         template.HTML
}

type worstLine struct {
	Name, With, Can string
	Link            template.URL
	About           []string
}

type (
	exemptionLine struct{ Match, Owner, Reason, Until, Note, Users string }
	unreadLine    struct{ Account, What, Why string }
	assumption    struct{ Text, Users string }
	fact          struct{ Name, Value string }
	documentLine  struct{ Name, Hash, Text string }
)

// summary makes what the template shows of what was collected.
func (p *Page) summary() *summary {
	s := &summary{Policy: contentPolicy(), Style: template.CSS(style)}
	p.heading(s)
	p.verdict(s)
	p.pictures(s)
	for i := range p.worst {
		w := &p.worst[i]
		s.Worst = append(s.Worst, worstLine{short(w.Name), w.With, short(w.Can), template.URL(w.Link), w.About})
	}
	s.WorstTitle = worstTitle(len(p.worst), p.end.Open)
	s.Dates = p.dates()
	s.Change, s.Trend = p.since.change(), p.trendPicture()
	s.Impact, s.Plan = p.impactTable(), p.planTable()
	s.Keys, s.Forecast = p.keyTable(), p.forecastTable()
	p.exemptionLines(s)
	p.unreadLines(s)
	p.proofLines(s)
	s.About = p.about()
	p.findingLines(s)
	for _, d := range p.documents {
		s.Documents = append(s.Documents, documentLine{visible(d.Name), d.SHA256, visibleLines(indented(d.Text))})
	}
	return s
}

func (p *Page) heading(s *summary) {
	h, e := &p.head, &p.end
	s.Title = short(cmp.Or(e.Name, h.Organization, h.Management, "one AWS account"))
	if s.Title != h.Organization {
		s.OrganizationID = short(h.Organization)
	}
	s.Unix = h.Time.Unix()
	s.Date, s.When = day(h.Time), h.Time.UTC().Format("2 January 2006, 15:04 MST")
	all := e.AccountsRead + e.AccountsUnread + e.AccountsSkipped
	s.AccountsRead = prose.Number(e.AccountsRead) + " of " + prose.Count(all, "account") + " read"
	s.Config, s.Version = visible(h.ShortConfig()), short(h.Version)
}

// verdict is the heading and the sentences below it.
func (p *Page) verdict(s *summary) {
	e, n := &p.end, &p.people
	s.Counts = e.Counts
	var lead []string
	switch {
	case e.AccountsRead == 0 && e.Users == 0:
		s.Verdict = "No account was read."
	case e.Users == 0:
		s.Verdict = "No IAM users were found."
	case e.Open > 0:
		s.Number = prose.Number(e.Open) + " of " + prose.Number(e.Users)
		s.Verdict = prose.Plural(e.Users, "user", "users") + " can act without MFA."
		lead = append(lead, openLead(e.Open, n))
		s.NeverRead = sentence(audit.AboutNotRead())
	case e.Unknown > 0:
		s.Verdict = prose.Number(e.Unknown) + " of " + prose.Count(e.Users, "user") + " could not be decided."
		lead = append(lead, unknownLead(e.Unknown, e.Users-e.Unknown))
	case !e.Complete:
		s.Verdict = "No user that was read and decided can act without MFA, but this run is incomplete."
	default:
		s.Verdict = "No user can act without MFA."
	}
	switch {
	case n.openWithDevice == 1 && e.Open == 1:
		lead = append(lead, "The user has an MFA device and does not have to use it.")
	case n.openWithDevice > 0:
		lead = append(lead, fmt.Sprintf("%s of the %s have an MFA device and do not have to use it.", prose.Number(n.openWithDevice), prose.Number(e.Open)))
	}
	if p.since != nil {
		lead = append(lead, p.since.sentence(e.Open))
	}
	if unread := notReadWords(e.AccountsUnread); unread != "" {
		lead = append(lead, unread+" "+prose.Plural(e.AccountsUnread, "Its", "Their")+" users are in none of these numbers.")
	}
	s.Lead = strings.Join(lead, " ")
}

// unknownLead says what is known if no user is known to be able to act without MFA.
func unknownLead(unknown, others int) string {
	said := fmt.Sprintf("It is not known whether %s can act without MFA.", prose.Plural(unknown, "this user", "they"))
	if others > 0 {
		said += " None of the others can."
	}
	return said
}

func notReadWords(accounts int) string {
	switch accounts {
	case 0:
		return ""
	case 1:
		return "1 account was not read."
	}
	return prose.Number(accounts) + " accounts were not read."
}

// openLead says how many keys and passwords are enough on their own.
func openLead(open int, n *people) string {
	if open == 1 {
		return fmt.Sprintf("A stolen password or access key is enough to act as this user, who holds %s and %s.",
			some(n.openKeys, "active access key"), some(n.openPasswords, "console password"))
	}
	return "A stolen password or access key is enough to act as one of them. " + fmt.Sprintf("They hold %s of %s and %s of %s.", prose.Number(n.openKeys), prose.Count(n.keys, "active access key"),
		prose.Number(n.openPasswords), prose.Count(n.passwords, "console password"))
}

// some is a number of things, or that there is none.
func some(n int, noun string) string {
	if n == 0 {
		return "no " + noun
	}
	return prose.Count(n, noun)
}

func worstTitle(shown, open int) string {
	if shown == mostWorst && open > shown {
		return "The ten worst"
	}
	return "The worst"
}

func (p *Page) exemptionLines(s *summary) {
	all := p.byExpiry()
	for _, e := range all[:min(len(all), mostRows)] {
		line := exemptionLine{Match: short(e.Match), Owner: short(cmp.Or(e.Owner, "no owner")), Reason: short(e.Reason),
			Until: "no end", Users: prose.Number(e.Users)}
		if e.BreakGlass {
			line.Match = "break-glass " + line.Match
		}
		if !e.Expires.IsZero() {
			line.Until = day(e.Expires)
			line.Note = ahead(e.Expires, p.head.Time)
		}
		s.Exemptions = append(s.Exemptions, line)
	}
	s.ExemptionsNote = prose.Count(p.end.Exempt, "user") + " " + prose.Plural(p.end.Exempt, "is", "are") + " exempt." + moreRows(len(s.Exemptions), len(all), "exemptions")
}

// moreRows says how many rows a list leaves out.
func moreRows(shown, all int, nouns string) string {
	if all <= shown {
		return ""
	}
	return fmt.Sprintf(" The first %d of %s %s are shown.", shown, prose.Number(all), nouns)
}

// ahead says how far a last day is from the run.
func ahead(last, now time.Time) string {
	left := int(last.AddDate(0, 0, 1).Sub(now) / (24 * time.Hour))
	switch {
	case !now.Before(last.AddDate(0, 0, 1)):
		return "expired"
	case left <= 30:
		return "ends in " + prose.Count(left, "day")
	}
	return ""
}

func (p *Page) unreadLines(s *summary) {
	names := map[string]string{}
	for i := range p.accounts {
		a := &p.accounts[i]
		names[a.ID] = a.Name
		if a.Skipped != "" {
			s.Unread = append(s.Unread, unreadLine{accountLabel(a.ID, a.Name), "account", "skipped: " + clip(visible(a.Skipped), 300)})
		}
	}
	skipped := s.Unread
	s.Unread = nil
	for _, g := range p.unread {
		s.Unread = append(s.Unread, unreadLine{accountLabel(g.Account, names[g.Account]), clip(visible(g.What), 120), clip(visible(g.Why), 240)})
	}
	s.Unread = append(s.Unread, skipped...)
	s.UnreadNote = "What could not be read is not counted as compliant." + moreRows(mostRows, len(s.Unread), "entries")
	s.Unread = s.Unread[:min(len(s.Unread), mostRows)]
}

func accountLabel(id, name string) string {
	switch {
	case id == "":
		return "the organization"
	case name == "":
		return id
	}
	return short(name) + " (" + id + ")"
}

// clip cuts a long text at the end.
func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}

// indented is a JSON document with a member on each line; any other text is as it is.
func indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}

// visibleLines is visible for a text with lines and tabs.
func visibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		cells := strings.Split(lines[i], "\t")
		for j := range cells {
			cells[j] = visible(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

func (p *Page) proofLines(s *summary) {
	if p.proofs != nil {
		for _, a := range p.proofs.Assumptions {
			if _, known := p.assumed[a]; !known {
				p.assumed[a] = 0
			}
		}
		s.Proofs = fmt.Sprintf("An independent checker accepted the proofs of %s; %s cover any AWS action, also future ones.",
			prose.Count(p.proofs.Accepted, "user"), prose.Number(p.proofs.AnyAction))
	}
	for text, users := range p.assumed {
		a := assumption{Text: sentence(clip(visible(text), 320))}
		if users > 0 {
			a.Users = prose.Count(users, "user")
		}
		s.Assumptions = append(s.Assumptions, a)
	}
	slices.SortFunc(s.Assumptions, func(x, y assumption) int { return strings.Compare(x.Text, y.Text) })
}

// about says who ran what, and how.
func (p *Page) about() []fact {
	h := &p.head
	command := "forcemfa " + visible(strings.Join(append([]string{h.Verb}, h.Flags...), " "))
	facts := []fact{
		{"Command", command}, {"Caller", visible(h.Caller)}, {"Time", h.Time.UTC().Format("2006-01-02 15:04:05 MST")},
		{"Version", "forcemfa " + visible(h.Version)}, {"Config", visible(h.ConfigFile)}, {"Config hash", visible(h.Config)},
		{"Organization", visible(h.Organization)}, {"Management account", visible(h.Management)}, {"Partition", visible(h.Partition)},
	}
	if h.Sandbox {
		facts = append(facts, fact{"Sandbox", "this run read the embedded AWS, not a real organization"})
	}
	if h.Filtered {
		facts = append(facts, fact{"Filter", "flags left accounts out of this run"})
	}
	facts = append(facts, p.outcomes()...)
	complete := "everything was read, and every user decided"
	if !p.end.Complete {
		complete = "no: see Not read"
	}
	facts = append(facts, fact{"Complete", complete})
	for i := range facts {
		facts[i].Value = clip(facts[i].Value, 300)
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}
