package impact

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// A Wave is users who are proposed to be enforced on the same day.
type Wave struct {
	Name  string     `json:"name"`
	From  time.Time  `json:"from"` // the first day, in UTC
	Users []WaveUser `json:"users"`
}

// A WaveUser is a user with the reason for its place in the order.
type WaveUser struct {
	ARN     string `json:"arn"`
	Account string `json:"account"`
	Name    string `json:"name"`
	Calls   int    `json:"calls"` // that would be denied, those of role sessions included
	Why     string `json:"why"`
}

// MostWaves bounds [Waves.Propose].
const MostWaves = 52

// A Waves is an [audit.Sink] that collects the users who are not enforced, to propose the
// waves of a roll-out.
type Waves struct {
	report *Report
	users  []audit.User
}

// NewWaves proposes waves by the recorded calls of a report.
func NewWaves(r *Report) *Waves { return &Waves{report: r} }

// User implements [audit.Sink].
func (w *Waves) User(u audit.User) {
	if u.State == audit.Open || u.State == audit.Unknown {
		w.users = append(w.users, u)
	}
}

// Finding implements [audit.Sink].
func (*Waves) Finding(audit.Finding) {}

// Gap implements [audit.Sink].
func (*Waves) Gap(org.Gap) {}

// Account implements [audit.Sink].
func (*Waves) Account(audit.Account) {}

// The places in the order: who notices least comes first.
const (
	quiet = iota
	quietWithoutDevice
	calling
	owning
	program
)

// places say why a user is where it is.
var places = [...]string{
	quiet: "no recorded call would be denied", quietWithoutDevice: "no recorded call would be denied, but has no MFA device",
	calling: "recorded calls would be denied", owning: "owner of a service account", program: "service account",
}

// ranked is a user with its place.
type ranked struct {
	WaveUser
	place int
}

// Propose spreads the users over at most n waves, a week apart: people who are quiet
// first, then those with denied calls, the fewest first. The last wave has the service
// accounts and the people who own one by its tags.
func (w *Waves) Propose(n int, now time.Time) []Wave {
	owners := w.owners()
	all := make([]ranked, 0, len(w.users))
	for i := range w.users {
		all = append(all, w.rank(&w.users[i], owners))
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(a.place-b.place, a.Calls-b.Calls, strings.Compare(a.ARN, b.ARN))
	})
	people := slices.IndexFunc(all, func(r ranked) bool { return r.place >= owning })
	if people < 0 {
		people = len(all)
	}
	early := n
	if people < len(all) {
		early = max(n-1, 0)
	}
	groups := spread(all[:people], early)
	if early == 0 {
		groups = [][]ranked{all}
	} else if people < len(all) {
		groups = append(groups, all[people:])
	}
	return named(groups, now)
}

// named gives the groups names and days.
func named(groups [][]ranked, now time.Time) []Wave {
	waves := []Wave{}
	first := now.UTC().Truncate(24 * time.Hour)
	for _, g := range groups {
		if len(g) == 0 {
			continue
		}
		wave := Wave{Name: fmt.Sprintf("wave %d", len(waves)+1), From: first.AddDate(0, 0, 7*(len(waves)+1))}
		for _, r := range g {
			wave.Users = append(wave.Users, r.WaveUser)
		}
		waves = append(waves, wave)
	}
	return waves
}

// spread cuts users into n groups. The first is a pilot of half the size of the others.
func spread(users []ranked, n int) (groups [][]ranked) {
	for i := range n {
		left := 2*(n-i) - 1 // halves of groups
		if i > 0 {
			left++
		}
		size := (len(users)*min(i+1, 2) + left - 1) / left
		groups = append(groups, users[:size])
		users = users[size:]
	}
	return groups
}

func (w *Waves) rank(u *audit.User, owners map[string]bool) ranked {
	r := ranked{WaveUser: WaveUser{ARN: u.ARN, Account: u.Account, Name: u.Name}}
	recorded := w.report.User(u.ARN)
	if recorded != nil {
		r.Calls = recorded.Denied + recorded.RoleCalls
	}
	switch {
	case recorded != nil && (recorded.Kind == ServiceAccount || recorded.Kind == Both):
		r.place = program
	case owns(u, owners):
		r.place = owning
	case r.Calls > 0:
		r.place = calling
	case u.MFA != org.Yes && (u.Console == org.Yes || u.ActiveKeys > 0):
		r.place = quietWithoutDevice
	}
	r.Why = places[r.place]
	return r
}

// owners are the names in the owner tags of service accounts, in lower case: as they are,
// and the part of an address before the @.
func (w *Waves) owners() map[string]bool {
	owners := map[string]bool{}
	for i := range w.users {
		u := &w.users[i]
		recorded := w.report.User(u.ARN)
		if recorded == nil || recorded.Kind != ServiceAccount && recorded.Kind != Both {
			continue
		}
		owner := strings.ToLower(ownerOfTags(pairs(u.Tags)))
		name, _, _ := strings.Cut(owner, "@")
		owners[owner], owners[name] = owner != "", name != ""
	}
	return owners
}

// owns reports whether the name of a user, or an address in its tags, is that of an owner.
func owns(u *audit.User, owners map[string]bool) bool {
	if owners[strings.ToLower(u.Name)] {
		return true
	}
	return slices.ContainsFunc(u.Tags, func(t org.Tag) bool { return strings.Contains(t.Value, "@") && owners[strings.ToLower(t.Value)] })
}

// ownerOfTags is who answers for a user by its tags; empty when no tag says so.
func ownerOfTags(tags iter.Seq2[string, string]) string {
	for _, key := range ownerTags {
		for k, v := range tags {
			if strings.EqualFold(k, key) && v != "" {
				return v
			}
		}
	}
	return ""
}

func pairs(tags []org.Tag) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for _, t := range tags {
			if !yield(t.Key, t.Value) {
				return
			}
		}
	}
}

// longestMatch keeps a regular expression within what a config file may have.
const longestMatch = 900

// WavesConfig is the waves as a part of a config file. The last wave matches all users,
// because a user in no other wave starts with it.
func WavesConfig(waves []Wave) []byte {
	var b strings.Builder
	b.WriteString("# Proposed by forcemfa plan --propose-waves. Check the days. A user in no wave starts with the last.\nwaves:\n")
	for i, w := range waves {
		calls, reasons := 0, map[string]int{}
		for _, u := range w.Users {
			calls += u.Calls
			reasons[u.Why]++
		}
		fmt.Fprintf(&b, "  # %s: users %d, calls that would be denied %d (%s)\n", w.Name, len(w.Users), calls, sorted(reasons))
		from := w.From.Format(time.DateOnly)
		if i == len(waves)-1 {
			fmt.Fprintf(&b, "  - {name: %s, from: %s}\n", w.Name, from)
			continue
		}
		for _, m := range matches(w.Users) {
			fmt.Fprintf(&b, "  - {name: %s, match: %s, from: %s}\n", w.Name, m, from)
		}
	}
	return []byte(b.String())
}

func sorted(reasons map[string]int) string {
	var parts []string
	for _, why := range places {
		if n := reasons[why]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, why))
		}
	}
	return strings.Join(parts, "; ")
}

// matches are matches of a config file that hold for these users alone.
func matches(users []WaveUser) (out []string) {
	byAccount := slices.Clone(users)
	slices.SortStableFunc(byAccount, func(a, b WaveUser) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Name, b.Name))
	})
	account, names := "", ""
	end := func() {
		if names != "" {
			out = append(out, fmt.Sprintf("{account: %q, name: %s}", account, strconv.Quote("regex:"+names)))
		}
		names = ""
	}
	for _, u := range byAccount {
		name := regexp.QuoteMeta(u.Name)
		if u.Account != account || len(names)+len(name) > longestMatch {
			end()
			account = u.Account
		}
		if names != "" {
			names += "|"
		}
		names += name
	}
	end()
	return out
}
