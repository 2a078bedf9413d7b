package baseline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/org"
)

// A Draft gathers what a first config file is written from.
type Draft struct {
	now       time.Time
	units     []org.Unit
	accounts  int
	users     int
	service   int // with the tag that is exempt without a config file
	workloads []candidate
	glass     []candidate
}

// A candidate is a user whom a person should decide about.
type candidate struct {
	account, name string
	why           string
}

// NewDraft begins a first config file.
func NewDraft(h *org.Header, now time.Time) *Draft { return &Draft{now: now, units: h.Units} }

// ForEmergencies tells whether a user is named as break-glass users are.
func ForEmergencies(name string) bool { return emergency.MatchString(name) }

// emergency are names that people give to break-glass users.
var emergency = regexp.MustCompile(`(?i)break[-_. ]?glass|emergency|fire[-_. ]?call`)

// Add looks at the users of an account.
func (d *Draft) Add(a *org.Account) {
	if !a.Read {
		return
	}
	d.accounts++
	service := Match{Tag: defaultExemptTag}
	for i := range a.Users {
		u := &a.Users[i]
		d.users++
		c := candidate{account: a.ID, name: u.Name}
		switch {
		case service.MatchesTag(u.Tags):
			d.service++
		case ForEmergencies(u.Name):
			c.why = "is named as one"
			d.glass = append(d.glass, c)
		default:
			if c.why = robotic(u); c.why != "" {
				d.workloads = append(d.workloads, c)
			}
		}
	}
}

// robotic says why a user looks like a program: a key that is used for
// services, no console password and no device. Empty: it does not, or it
// could not be read.
func robotic(u *org.User) string {
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

// Text is the file: what holds without one, written out, and as comments what
// a person must decide. Every comment that is taken off gives a file that
// [Parse] takes.
func (d *Draft) Text() []byte {
	var w strings.Builder
	fmt.Fprintf(&w, `# What forcemfa wants of this organization. "forcemfa schema" describes every key.
# Written by "forcemfa init" on %s: it saw %d users in %d accounts.
# Lines that begin with # and a key are suggestions: take the # off to follow one.
version: 1

# Group: through one group managed by forcemfa. Others: groups, user, scp.
attach: group

# Options of the policy, as they are without this section.
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
	w.WriteString("# Who is without ForceMFA, who answers for it, and why. Everybody else needs MFA.\n")
	mark := "#"
	if d.service > 0 {
		mark = ""
	}
	if d.service > 0 || len(d.workloads) > 0 {
		w.WriteString(mark + "exemptions:\n")
	}
	if d.service > 0 {
		fmt.Fprintf(w, `  # Has it: %d. Whoever may tag users can exempt them: see exemption-tag-settable in the audit.
  - match: {tag: %q}
    owner: nobody yet
    reason: service users, as without a config file
`, d.service, defaultExemptTag)
	}
	if len(d.workloads) == 0 {
		w.WriteString("# No other user looks like a program.\n\n")
		return
	}
	w.WriteString("# These look like programs. A role is better than an exemption: decide one by one.\n")
	d.suggest(w, d.workloads, d.now.AddDate(0, 6, 0))
	w.WriteString("\n")
}

func (d *Draft) breakGlass(w *strings.Builder) {
	w.WriteString("# Users for emergencies: exempt, and meant to have a console password. Keep two, sealed.\n")
	if len(d.glass) == 0 {
		w.WriteString("# None was found by its name.\n\n")
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
		fmt.Fprintf(w, "#    owner: who answers for %s\n#    reason: why\n", c.name)
		if !expires.IsZero() {
			fmt.Fprintf(w, "#    expires: %s\n", expires.UTC().Format(time.DateOnly))
		}
	}
}

// waves suggests to begin with one unit.
func (d *Draft) waves(w *strings.Builder) {
	match := "percent: 10"
	for _, u := range d.units {
		if u.Parent != "" {
			match = fmt.Sprintf("match: {ou: %q} # %s", u.ID, strings.Map(printable, u.Name))
			break
		}
	}
	fmt.Fprintf(w, `# A roll-out in waves. The first that matches a user decides; the rest comes with the last.
#waves:
#  - name: pilot
#    %s
#    from: %s
#  - name: everybody
#    from: %s
`, match, d.now.AddDate(0, 0, 7).UTC().Format(time.DateOnly), d.now.AddDate(0, 0, 28).UTC().Format(time.DateOnly))
}

// printable keeps a name on its line.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
		return '?'
	}
	return r
}
