package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// A hazard is why a user should not be enforced unseen, though it would have a
// way to get MFA: what works today would stop.
type hazard struct{ guard, why, fix string }

// endangers blocks a member for whom a hazard is not acknowledged.
func (g *guard) endangers(m *member) bool {
	u := m.user
	if u.State == audit.Enforced {
		return false // what needs no MFA has stopped already
	}
	for _, h := range g.hazards(u) {
		if g.p.in.acknowledged(h.guard, u.Account, u.Name) {
			continue
		}
		m.blocked = h.why
		m.remedy = fmt.Sprintf("%s; or acknowledge with --ack %s:%s/%s", h.fix, h.guard, u.Account, u.Name)
		return true
	}
	return false
}

// hazards are all that hold for a user.
func (g *guard) hazards(u *audit.User) []hazard {
	var all []hazard
	if why := g.emergency(u); why != "" {
		all = append(all, hazard{baseline.GuardBreakGlass, u.Name + " is for emergencies: " + why,
			"name " + u.Name + " under break_glass in the config file, with a date that has not passed"})
	}
	if why := willBreak(u, g.p.in.Now); why != "" {
		all = append(all, hazard{baseline.GuardBreaksWorkload, u.Name + " looks like a robot: " + why,
			"let what uses it take a role, or enroll a virtual MFA device for a person, or exempt " + u.Name})
	}
	if locksCLI(u) {
		all = append(all, hazard{baseline.GuardCLILockout,
			u.Name + " has an active access key, and devices that give no codes only: its command line stops",
			"enroll a virtual MFA device for " + u.Name + " besides, or deactivate the key"})
	}
	return all
}

// emergency is why a user is taken for one that is kept for emergencies; empty:
// it is not.
func (g *guard) emergency(u *audit.User) string {
	for _, e := range g.p.in.Baseline.Lapsed(g.p.place, u.Read, g.p.in.Now) {
		if e.BreakGlass {
			return "its break-glass entry has expired on " + e.Expires.Format(time.DateOnly)
		}
	}
	if baseline.ForEmergencies(u.Name) {
		return "it is named as one, and the config file does not say so"
	}
	return ""
}

// recent is for how long the last use of a key says that something uses it.
const recent = 90 * 24 * time.Hour

// willBreak says what of a user stops that can hardly be a person with MFA;
// empty: nothing. Who has a device that gives codes is a person.
// Source: IAM User Guide, "Use IAM with CodeCommit" and "Service-specific
// credentials": these credentials know no MFA.
func willBreak(u *audit.User, now time.Time) string {
	if givesCodes(u.Devices) {
		return ""
	}
	if what := withoutMFAForever(u.Read.Services); what != "" {
		return "it has " + what + ", which can never carry MFA"
	}
	if u.Console == org.Yes {
		return ""
	}
	if use := lastUse(u.Read, now); use != "" {
		return "its access key was " + use + ", and it has neither a device that gives codes nor a console password"
	}
	return ""
}

// stops says what of a user stops though the user can get MFA; empty: nothing.
func stops(u *audit.User, now time.Time) string {
	if what := withoutMFAForever(u.Read.Services); what != "" {
		return what
	}
	if use := lastUse(u.Read, now); use != "" {
		return "access key " + use
	}
	return ""
}

// withoutMFAForever describes credentials that can never carry MFA.
func withoutMFAForever(c *org.ServiceCredentials) string {
	if c == nil {
		return ""
	}
	var what []string
	if len(c.ServiceSpecific) > 0 {
		what = append(what, "credentials for "+strings.Join(c.ServiceSpecific, ", "))
	}
	switch {
	case c.SSHKeys == 1:
		what = append(what, "an SSH key")
	case c.SSHKeys > 1:
		what = append(what, strconv.Itoa(c.SSHKeys)+" SSH keys")
	}
	return strings.Join(what, " and ")
}

// lastUse describes the last use of an active key for anything but STS, which
// is how MFA sessions are taken, if it is recent. A use that AWS did not
// attribute to a service counts.
func lastUse(u *org.User, now time.Time) string {
	for _, k := range u.Keys {
		if !k.Active || k.Used == nil || now.Sub(*k.Used) > recent || strings.EqualFold(k.UsedService, "sts") {
			continue
		}
		service := k.UsedService
		if service == "" {
			service = "something"
		}
		return "used for " + service + " on " + k.Used.UTC().Format(time.DateOnly)
	}
	return ""
}

// locksCLI tells whether a user's command line would stop though the console
// does not. Source: IAM User Guide, "AWS multi-factor authentication in IAM": a
// passkey or security key cannot be passed to STS.
func locksCLI(u *audit.User) bool {
	return u.ActiveKeys > 0 && u.Console == org.Yes && len(u.Devices) > 0 && !givesCodes(u.Devices)
}

func givesCodes(devices []org.Device) bool {
	for _, d := range devices {
		if d.Kind.GivesCodes() {
			return true
		}
	}
	return false
}

// warn notes members who are enforced and for whom something stops.
func (g *guard) warn(members []member) {
	for i := range members {
		m := &members[i]
		if m.blocked != "" || m.user.State == audit.Enforced {
			continue
		}
		name := g.p.account.ID + "/" + m.user.Name
		if what := stops(m.user, g.p.in.Now); what != "" {
			g.p.remarks.stops = append(g.p.remarks.stops, name+" ("+what+")")
		}
		if m.user.Read.Services == nil && !givesCodes(m.user.Devices) {
			g.p.remarks.unlooked = append(g.p.remarks.unlooked, name)
		}
	}
}
