// Package report is the report of a run as one HTML file that a manager reads in a minute
// and an auditor can search: no request to any server, SVG drawn here, one script, and a
// content security policy that allows nothing else.
//
// The summary is plain HTML and needs no script. The tables are painted from data in the
// file as the reader scrolls, so that a file with 50,000 users opens as fast as one with
// fifty. Names and tags are data: html/template escapes them in the summary, and the
// script only sets text.
package report

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

// A Page collects the records of a run for the report. Its memory is about the size of
// the file, not of the run.
type Page struct {
	head run.Head
	end  run.End
	data data

	accounts   []audit.Account
	people     people
	worst      []worstUser
	peers      map[peerGroup]int // users seen, for the places of the worst
	exemptions map[string]*exemption
	unread     []org.Gap
	windows    map[string]int // enrollment windows that are open, by their tag value
	documents  []run.Document
	assumed    map[string]int // assumptions of proofs, with their users
	proofs     *run.Proofs
	plan       *run.Plan
	applied    *run.Applied
	rehearsal  *run.Rehearsal
	blocked    []run.Blocked
	impact     *impact.Report
	affected   []impact.User
	stops      map[impact.Kind]int
	keys       *run.Keys
	firstKeys  []keys.Key
	forecast   *run.Forecast
	surprises  []run.Fate // of the forecast
	since      *Since
	trend      []Moment
}

// people counts users and credentials.
type people struct {
	device, noDevice         int
	openWithDevice           int
	passwords, openPasswords int // console passwords of all users, of open users
	keys, openKeys           int // active access keys
	oldKeys                  int // active, created a year ago or before
	proved, anyAction        int
}

// An exemption is one that users of the run have.
type exemption struct {
	Match, Owner, Reason string
	Expires              time.Time
	BreakGlass           bool
	Users                int
}

// New begins the report of a run whose head and end are known.
func New(h run.Head, e run.End) *Page {
	return &Page{head: h, end: e, exemptions: map[string]*exemption{}, windows: map[string]int{}, peers: map[peerGroup]int{}, data: data{known: map[string]run.Rule{}},
		assumed: map[string]int{}, stops: map[impact.Kind]int{}}
}

// Since adds the comparison with an earlier run.
func (p *Page) Since(s *Since) { p.since = s }

// Earlier are earlier runs of the organization, for comparison; the zero value is none.
type Earlier struct {
	Since *Since
	Trend []Moment
}

// Of writes the report of a saved run.
func Of(w io.Writer, r *run.Run, earlier Earlier) error {
	p := New(r.Head, r.End)
	p.Since(earlier.Since)
	p.Trend(earlier.Trend)
	for record, err := range r.Records() {
		if err != nil {
			return err
		}
		p.Add(&record)
	}
	return p.Write(w)
}

// Add adds a record, in the order of the run.
func (p *Page) Add(r *run.Record) {
	switch {
	case r.User != nil:
		p.user(r.User)
	case r.Rule != nil:
		p.data.known[r.Rule.Name] = *r.Rule
	case r.Finding != nil:
		p.data.finding(r.Finding)
		p.rootFinding(r.Finding)
	case r.Unread != nil:
		p.unread = append(p.unread, *r.Unread)
	case r.Account != nil:
		p.account(r.Account)
	case r.Document != nil:
		p.documents = append(p.documents, *r.Document)
	case r.Exemption != nil:
		p.exemption(exemption{Match: r.Exemption.Match.String(), Owner: r.Exemption.Owner, Reason: r.Exemption.Reason,
			Expires: r.Exemption.Expires, BreakGlass: r.Exemption.BreakGlass})
	case r.Proofs != nil:
		p.proofs = r.Proofs
	case r.Plan != nil:
		p.plan = r.Plan
	case r.Applied != nil:
		p.applied = r.Applied
	case r.Rehearsal != nil:
		p.rehearsal = r.Rehearsal
	case r.Blocked != nil:
		p.block(r.Blocked)
	case r.Impact != nil:
		p.impact = r.Impact
	case r.Affected != nil:
		p.affect(r.Affected)
	default:
		p.addCredentials(r)
	}
}

// addCredentials adds a record about keys, or about a forecast.
func (p *Page) addCredentials(r *run.Record) {
	switch {
	case r.Keys != nil:
		p.keys = r.Keys
	case r.Key != nil:
		p.rankKey(r.Key)
	case r.Forecast != nil:
		p.forecast = r.Forecast
	case r.Fate != nil:
		p.fate(r.Fate)
	}
}

// mostRows is how many rows a list of the summary has, so that the summary is three
// pages of paper for every organization.
const mostRows = 12

func (p *Page) block(b *run.Blocked) {
	if len(p.blocked) < mostRows/2 {
		p.blocked = append(p.blocked, *b)
	}
}

// affect keeps the users that stop working. The run has them first.
func (p *Page) affect(u *impact.User) {
	if u.Denied == 0 {
		return
	}
	p.stops[u.Kind]++
	if len(p.affected) < mostRows/2 {
		p.affected = append(p.affected, *u)
	}
}

func (p *Page) user(u *audit.User) {
	p.data.user(u)
	p.people.add(u, p.head.Time)
	p.rankUser(u)
	if u.Window != "" {
		p.windows[u.Window]++
	}
	for _, a := range u.Assumptions {
		p.assumed[a]++
	}
	if e := u.ExemptBy; e != nil && u.State == audit.Exempt {
		p.exemption(exemption{Match: e.Match.String(), Owner: e.Owner, Reason: e.Reason, Expires: e.Expires, BreakGlass: e.BreakGlass, Users: 1})
	}
}

// exemption counts the users of an exemption.
func (p *Page) exemption(e exemption) {
	key := strings.Join([]string{e.Match, e.Owner, e.Reason, e.Expires.String()}, "\x00")
	if known := p.exemptions[key]; known != nil {
		known.Users += e.Users
		return
	}
	p.exemptions[key] = &e
}

func (p *Page) account(a *audit.Account) {
	p.data.accountEnd(a)
	p.accounts = append(p.accounts, *a)
}

const year = 365 * 24 * time.Hour

func (n *people) add(u *audit.User, now time.Time) {
	open := u.State == audit.Open
	switch {
	case u.MFA == org.Yes || len(u.Devices) > 0:
		n.device++
		if open {
			n.openWithDevice++
		}
	case u.MFA == org.No:
		n.noDevice++
	}
	n.keys += u.ActiveKeys
	if u.Console == org.Yes {
		n.passwords++
	}
	if open {
		n.openKeys += u.ActiveKeys
		if u.Console == org.Yes {
			n.openPasswords++
		}
	}
	for i := range u.Keys {
		if k := &u.Keys[i]; k.Active && k.Created != nil && now.Sub(*k.Created) >= year {
			n.oldKeys++
		}
	}
	if u.State == audit.Enforced && u.Proof != "" {
		n.proved++
		if u.Proof == audit.EveryAction {
			n.anyAction++
		}
	}
}

// byExpiry orders exemptions: those in use that end first, then those without an end.
func (p *Page) byExpiry() []*exemption {
	var out []*exemption
	for _, e := range p.exemptions {
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y *exemption) int {
		return cmp.Or(compareEnds(x.Expires, y.Expires), strings.Compare(x.Match, y.Match), strings.Compare(x.Owner, y.Owner), strings.Compare(x.Reason, y.Reason))
	})
	return out
}

func compareEnds(x, y time.Time) int {
	switch {
	case x.IsZero() && y.IsZero():
		return 0
	case x.IsZero():
		return 1
	case y.IsZero():
		return -1
	}
	return x.Compare(y)
}
