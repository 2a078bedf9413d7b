package baseline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/policy/arn"
)

// A Draft collects the data for a first config file.
type Draft struct {
	// Recorded says why recorded calls show that a user is used by programs (empty: they
	// don't), and whether they say anything about the user. Nil: nothing was recorded.
	Recorded func(userARN string) (why string, known bool)

	now       time.Time
	by        string // the person who starts it
	units     []org.Unit
	inUnit    map[string]int // users of accounts that were read, by unit
	accounts  int
	users     int
	service   int // with the default exemption tag
	workloads []candidate
	glass     []candidate
}

// A candidate is a user for whom a person should decide.
type candidate struct {
	account, name string
	why           string
}

// NewDraft starts a first config file.
func NewDraft(h *org.Header, now time.Time) *Draft {
	return &Draft{now: now, by: personOf(h.Caller), units: h.Units, inUnit: map[string]int{}}
}

// personOf is the name in the ARN of a caller: that of a user, or role and session.
func personOf(caller string) string {
	a, err := arn.Parse(caller)
	_, name, found := strings.Cut(a.Resource, "/")
	if err != nil || !found || !isEntityName(strings.ReplaceAll(name, "/", "")) {
		return "the administrator of this config file"
	}
	return name
}

// NamedBreakGlass reports whether a name is typical for a break-glass user.
func NamedBreakGlass(name string) bool { return emergency().MatchString(name) }

// emergency matches typical names of break-glass users.
var emergency = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)break[-_. ]?glass|emergency|fire[-_. ]?call`)
})

// Add looks at the users of an account.
func (d *Draft) Add(a *org.Account) {
	if !a.Read {
		return
	}
	d.accounts++
	d.inUnit[a.Unit] += len(a.Users)
	service := Match{Tag: defaultExemptTag}
	for i := range a.Users {
		u := &a.Users[i]
		d.users++
		c := candidate{account: a.ID, name: u.Name}
		switch {
		case service.MatchesTag(u.Tags):
			d.service++
		case NamedBreakGlass(u.Name):
			c.why = "its name says so"
			d.glass = append(d.glass, c)
		default:
			if c.why = d.workload(u); c.why != "" {
				d.workloads = append(d.workloads, c)
			}
		}
	}
}

// workload says why a user is probably a service account; empty: it is not. Recorded
// calls decide where there are any.
func (d *Draft) workload(u *org.User) string {
	if d.Recorded != nil {
		if why, known := d.Recorded(u.ARN); known {
			return why
		}
	}
	return workload(u)
}

// workload says why a user is probably a service account: a recently used key, no
// console password and no device. Empty: it is not, or the data was not read.
func workload(u *org.User) string {
	if u.Password != org.No || u.MFA != org.No {
		return ""
	}
	why := ""
	for _, k := range u.Keys {
		service := strings.ToLower(k.UsedService)
		if !k.Active || k.Used == nil || service == "" || service == "n/a" || service == "sts" {
			continue
		}
		why = fmt.Sprintf("key used for %s on %s, no password, no device", service, k.Used.UTC().Format(time.DateOnly))
	}
	return why
}

// Text is the file: the defaults, and as comments the suggestions for a person to
// decide. With any of the comments removed, [Parse] accepts the file.
func (d *Draft) Text() []byte {
	var w strings.Builder
	fmt.Fprintf(&w, `# The configuration of forcemfa for this organization. "forcemfa schema" describes every key.
# Written by "forcemfa init" on %s from %d users in %d accounts.
# Lines that begin with # and a key are suggestions: remove the # to use one.
version: 1

# Group: through one group managed by forcemfa. Others: groups, user, scp.
attach: group

# Options of the policy, with their defaults.
#policy:
#  self_service: enroll
#  enrollment: console
#  max_session_age: none

`, d.now.UTC().Format(time.DateOnly), d.users, d.accounts)
	d.exemptions(&w)
	d.breakGlass(&w)
	d.waves(&w)
	return []byte(w.String())
}

func (d *Draft) exemptions(w *strings.Builder) {
	w.WriteString("# Users without ForceMFA, with an owner and a reason. MFA is enforced for all other users.\n")
	mark := "#"
	if d.service > 0 {
		mark = ""
	}
	if d.service > 0 || len(d.workloads) > 0 {
		w.WriteString(mark + "exemptions:\n")
	}
	if d.service > 0 {
		fmt.Fprintf(w, `  # Users with this tag: %d. Principals that can tag users can exempt them: see exemption-tag-settable in the audit.
  - match: {tag: %q}
    owner: %q
    reason: service users, as without a config file
`, d.service, defaultExemptTag, d.by)
	}
	if len(d.workloads) == 0 {
		w.WriteString("# No other user is probably a service account.\n\n")
		return
	}
	w.WriteString("# These users are probably service accounts. A role is better than an exemption: decide for each.\n")
	d.suggest(w, d.workloads, d.now.AddDate(0, 6, 0))
	w.WriteString("\n")
}

func (d *Draft) breakGlass(w *strings.Builder) {
	w.WriteString("# Emergency users: exempt, and expected to have a console password. Keep two, with sealed credentials.\n")
	if len(d.glass) == 0 {
		w.WriteString("# No user has a name of an emergency user.\n\n")
		return
	}
	w.WriteString("#break_glass:\n")
	d.suggest(w, d.glass, time.Time{})
	w.WriteString("\n")
}

// suggest writes exemptions as comments.
func (d *Draft) suggest(w *strings.Builder, users []candidate, expires time.Time) {
	slices.SortFunc(users, func(a, b candidate) int {
		return strings.Compare(a.account+"/"+a.name, b.account+"/"+b.name)
	})
	for _, c := range users {
		fmt.Fprintf(w, "#  # %s/%s: %s.\n", c.account, c.name, c.why)
		fmt.Fprintf(w, "#  - match: {account: %q, name: %s}\n", c.account, strconv.Quote(c.name))
		fmt.Fprintf(w, "#    owner: %q\n#    reason: reason for the exemption\n", d.by)
		if !expires.IsZero() {
			fmt.Fprintf(w, "#    expires: %s\n", expires.UTC().Format(time.DateOnly))
		}
	}
}

// waves suggests starting with one unit.
func (d *Draft) waves(w *strings.Builder) {
	match := "percent: 10"
	if u := d.pilot(); u != nil {
		match = fmt.Sprintf("match: {ou: %q} # %s", u.ID, prose.Clean(u.Name))
	}
	fmt.Fprintf(w, `# A roll-out in waves. The first wave that matches a user decides; a user in no wave starts with the last.
#waves:
#  - name: pilot
#    %s
#    from: %s
#  - name: everybody
#    from: %s
`, match, d.now.AddDate(0, 0, 7).UTC().Format(time.DateOnly), d.now.AddDate(0, 0, 28).UTC().Format(time.DateOnly))
}

// pilot is the unit with the fewest users in accounts that were read; nil when no unit
// below a root has any.
func (d *Draft) pilot() *org.Unit {
	var first *org.Unit
	for i := range d.units {
		u := &d.units[i]
		if n := d.inUnit[u.ID]; u.Parent != "" && n > 0 && (first == nil || n < d.inUnit[first.ID]) {
			first = u
		}
	}
	return first
}
