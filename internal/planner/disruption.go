package planner

import (
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
)

// A disruption is a reason not to enforce a user with a sign-in path:
// something that works today would stop.
type disruption struct{ guard, why, remedy string }

// disrupts blocks a candidate with a disruption that is not acknowledged.
func (g *guard) disrupts(c *candidate) bool {
	u := c.user
	if u.State == audit.Enforced {
		return false // calls without MFA have stopped already
	}
	for _, d := range g.disruptions(u) {
		if g.in.acknowledged(d.guard, u.Account, u.Name) {
			continue
		}
		c.blocked = d.why
		c.ack = ackFlag(d.guard, u)
		c.remedy = d.remedy + "; or acknowledge with " + c.ack
		return true
	}
	return false
}

// disruptions are all disruptions of a user.
func (g *guard) disruptions(u *audit.User) []disruption {
	var all []disruption
	if why := g.emergency(u); why != "" {
		all = append(all, disruption{baseline.GuardBreakGlass, u.Name + " is an emergency user: " + why,
			"add " + u.Name + " to break_glass in the config file, with an expiry date in the future"})
	}
	if why := g.workload(u); why != "" {
		all = append(all, disruption{baseline.GuardBreaksWorkload, u.Name + " is probably a service account: " + why,
			"move the workload to a role, exempt " + u.Name + ", or enroll a virtual MFA device if it is a person"})
	}
	if locksCLI(u) {
		all = append(all, disruption{baseline.GuardCLILockout,
			u.Name + " has an active access key, but only MFA devices that do not generate codes (passkeys, security keys): its access key would stop working",
			"also enroll a virtual MFA device for " + u.Name + ", or deactivate the key"})
	}
	return all
}

// emergency says why a user seems to be an emergency user; empty: it does not.
func (g *guard) emergency(u *audit.User) string {
	for _, e := range g.in.Baseline.Lapsed(g.place, u.Read, g.in.Now) {
		if e.BreakGlass {
			return "its break_glass entry expired on " + e.Expires.Format(time.DateOnly)
		}
	}
	if baseline.NamedBreakGlass(u.Name) {
		return "its name says so, and it is not listed under break_glass in the config file"
	}
	return ""
}

// recent is how long after its last use a key counts as used.
const recent = 90 * 24 * time.Hour

// workload says why a user seems to be a service account that cannot use MFA;
// empty: it does not. Recorded calls of a program decide; otherwise a user with a
// device that gives codes is a person.
func (g *guard) workload(u *audit.User) string {
	recorded := g.in.Impact.User(u.ARN)
	if recorded != nil && recorded.Denied > 0 && (recorded.Kind == impact.ServiceAccount || recorded.Kind == impact.Both) {
		return recorded.Says()
	}
	return workload(u, g.in.Now)
}

// workload says the same from what IAM knows about the credentials.
// Source: IAM User Guide, "Use IAM with CodeCommit" and "Service-specific
// credentials": these credentials do not support MFA.
func workload(u *audit.User, now time.Time) string {
	if givesCodes(u.Devices) {
		return ""
	}
	if what := serviceCredentials(u.Read.Services); what != "" {
		return "it has " + what + ", and these credentials do not support MFA"
	}
	if u.Console == org.Yes {
		return ""
	}
	if use := lastUse(u.Read, now); use != "" {
		return "its access key was " + use + ", and it has no console password and no MFA device that generates codes"
	}
	return ""
}

// stopsOf says what of a user stops working although the user can sign in with MFA, by
// the recorded calls or, without any, by its credentials; empty: nothing.
func (g *guard) stopsOf(u *audit.User) string {
	if recorded := g.in.Impact.User(u.ARN); recorded != nil && recorded.Denied > 0 {
		return recorded.Says()
	}
	if what := serviceCredentials(u.Read.Services); what != "" {
		return what
	}
	if use := lastUse(u.Read, g.in.Now); use != "" {
		return "access key " + use
	}
	return ""
}

// serviceCredentials describes the credentials that do not support MFA.
func serviceCredentials(c *org.ServiceCredentials) string {
	if c == nil {
		return ""
	}
	var what []string
	if len(c.ServiceSpecific) > 0 {
		what = append(what, "service-specific credentials for "+strings.Join(c.ServiceSpecific, ", "))
	}
	switch {
	case c.SSHKeys == 1:
		what = append(what, "an SSH key")
	case c.SSHKeys > 1:
		what = append(what, strconv.Itoa(c.SSHKeys)+" SSH keys")
	}
	return strings.Join(what, " and ")
}

// lastUse describes the last recent use of an active key. Calls to STS, which
// start MFA sessions, do not count; a use that AWS did not attribute to a service
// does.
func lastUse(u *org.User, now time.Time) string {
	for _, k := range u.Keys {
		if !k.Active || k.Used == nil || now.Sub(*k.Used) > recent || strings.EqualFold(k.UsedService, "sts") {
			continue
		}
		service := k.UsedService
		if service == "" {
			service = "an unknown service"
		}
		return "used for " + service + " on " + k.Used.UTC().Format(time.DateOnly)
	}
	return ""
}

// locksCLI reports whether the access keys of a user would stop working although
// console sign-in would not. Source: IAM User Guide, "AWS multi-factor
// authentication in IAM": a passkey or security key cannot be passed to STS.
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

// noteStops notes the users whom the plan enforces: those without a step of their own,
// and those whose credentials stop working.
func (p *accountPlanner) noteStops(candidates []candidate) {
	blocked := p.blockedPlacements(candidates)
	for i := range candidates {
		c := &candidates[i]
		if c.blocked != "" || c.user.State == audit.Enforced || blocked[c.place] {
			continue
		}
		name := p.account.ID + "/" + c.user.Name
		if c.place == throughPolicy || c.place == throughNewAttachment {
			p.remarks.through = append(p.remarks.through, name)
		}
		if what := p.guard.stopsOf(c.user); what != "" {
			p.remarks.stops = append(p.remarks.stops, name+" ("+what+")")
		}
		if c.user.Read.Services == nil && !givesCodes(c.user.Devices) {
			p.remarks.servicesUnread = append(p.remarks.servicesUnread, name)
		}
	}
}
