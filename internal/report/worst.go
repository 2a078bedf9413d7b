package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
)

// mostWorst is how many of the worst users the summary names.
const mostWorst = 10

// A worstUser is a line of the worst, in words.
type worstUser struct {
	rank     audit.Rank
	Account  string // ID
	Name     string
	Link     string // fragment of the details; empty: none
	With     string // the credential
	Can      string
	About    []string // sentences
	noDevice bool
	place    int // how many of its account came before it that are as bad
}

// A peerGroup is the users of an account who are equally bad.
type peerGroup struct {
	account  string
	rank     audit.Rank
	noDevice bool
}

// rankUser keeps a user if it is among the worst.
func (p *Page) rankUser(u *audit.User) {
	r := u.Rank()
	if !r.Exploitable() {
		return
	}
	w := worstUser{rank: r, Account: u.Account, Name: u.Name, noDevice: u.MFA == org.No}
	group := peerGroup{w.Account, w.rank, w.noDevice}
	w.place = p.peers[group]
	p.peers[group]++
	if !p.amongWorst(&w) {
		return
	}
	w.Link = userLink(u.Account, u.Name)
	w.With = u.With()
	w.Can = u.Worst()
	w.About = about(u, p.head.Time)
	p.keepWorst(w)
}

// rootFinding adds the root user to the worst: no policy restricts it.
func (p *Page) rootFinding(f *audit.Finding) {
	with := map[string]string{"root-no-mfa": "password", "root-access-key": "access key"}[f.Rule]
	if with == "" {
		return
	}
	p.keepWorst(worstUser{rank: -1, Account: f.Account, Name: "root", Link: "rule/" + f.Rule, With: with,
		Can: "do everything in account " + cmp.Or(f.AccountName, f.Account), About: []string{sentence(f.What)}})
}

func (p *Page) amongWorst(w *worstUser) bool {
	return len(p.worst) < mostWorst || byHarm(*w, p.worst[len(p.worst)-1]) < 0
}

func (p *Page) keepWorst(w worstUser) {
	if !p.amongWorst(&w) {
		return
	}
	at, _ := slices.BinarySearchFunc(p.worst, w, byHarm)
	p.worst = slices.Insert(p.worst, at, w)
	p.worst = p.worst[:min(len(p.worst), mostWorst)]
}

// byHarm orders users by the harm that their credentials can do, those without a device
// first. Equals come from as many accounts as there are, so that one account does not fill
// the list.
func byHarm(x, y worstUser) int {
	return cmp.Or(cmp.Compare(x.rank, y.rank), compareBool(y.noDevice, x.noDevice), cmp.Compare(x.place, y.place), strings.Compare(x.Account, y.Account),
		strings.Compare(x.Name, y.Name), strings.Compare(x.With, y.With))
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}

// about are facts about a user: device, keys, and the statement that allows the example.
func about(u *audit.User, now time.Time) []string {
	var out []string
	switch kinds := deviceWord(u); kinds {
	case "none":
		out = append(out, "No MFA device.")
	case "not read":
	case "yes":
		out = append(out, "Has an MFA device that is not required.")
	default:
		out = append(out, "Has an MFA device ("+short(kinds)+") that is not required.")
	}
	for i := range u.Keys {
		if k := &u.Keys[i]; k.Active {
			out = append(out, keySentence(k, now))
		}
	}
	if by := u.Example.AllowedBy; by != "" {
		out = append(out, "Allowed by "+short(shortPolicy(by))+".")
	}
	return out
}

// keySentence is the age and the last use of a key.
func keySentence(k *org.AccessKey, now time.Time) string {
	s := "Access key"
	if k.Created != nil {
		s += " " + prose.Count(int(now.Sub(*k.Created)/(24*time.Hour)), "day") + " old"
	}
	if k.Used == nil {
		return s + ", no use recorded."
	}
	s += ", last used " + day(*k.Used)
	if k.UsedService != "" && k.UsedService != "N/A" {
		s += " for " + short(k.UsedService)
	}
	return s + "."
}

// shortPolicy leaves out the ARN before the name of a policy.
func shortPolicy(statement string) string {
	before, rest, found := strings.Cut(statement, "policy arn:")
	if !found {
		return statement
	}
	arn, after, _ := strings.Cut(rest, " ")
	comma := strings.TrimRight(arn, ",")
	name := comma[strings.LastIndexByte(comma, '/')+1:]
	return strings.TrimSpace(before + "policy " + name + arn[len(comma):] + " " + after)
}

// sentence writes a text as a sentence; the name of an action stays as AWS writes it.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || strings.Contains(first, ":") {
		return s + "."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
