package plan

import (
	"fmt"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// administration is what makes a user an administrator: who may do this to
// other users may do everything.
var administration = []string{"iam:CreateUser", "iam:AttachUserPolicy", "iam:DetachUserPolicy"}

// An office is how a user administers its account: not at all, without MFA
// alone, with MFA once it has enrolled a device, or with the device it has.
type office uint8

const (
	noOffice office = iota
	officeWithoutMFA
	officeOnceEnrolled
	officeWithMFA
)

// keepAdministrator blocks what would leave an account, which has users who
// administer it, without one who still can: with MFA, where one can with MFA
// now. Whether others, as roles of the management account, could help is not
// asked.
func (g *guard) keepAdministrator(users []audit.User, members []member) {
	if len(members) == 0 && !slices.ContainsFunc(users, g.leaves) {
		return // nothing is taken from anybody
	}
	judged := map[string]*member{}
	for i := range members {
		judged[members[i].user.ARN] = &members[i]
	}
	var highest, kept office
	var lost [officeWithMFA + 1][]*audit.User
	for i := range users {
		u := &users[i]
		if u.Read == nil {
			continue
		}
		now := g.p.withoutClosing(u)
		account, later := g.outcome(u, now, judged[u.ARN])
		will := g.office(account, later, u)
		if will == officeWithMFA {
			return
		}
		has := will
		if later != now {
			has = g.office(g.p.account, now, u)
		}
		highest, kept = max(highest, has), max(kept, will)
		if has > will {
			lost[has] = append(lost[has], u)
		}
	}
	if kept >= highest {
		return
	}
	for _, u := range lost[highest] {
		g.lose(u, judged[u.ARN])
	}
}

// lose blocks the step for one of those who administer an account now and
// could not any more.
func (g *guard) lose(u *audit.User, m *member) {
	if g.p.in.acknowledged(baseline.GuardLastAdministrator, u.Account, u.Name) {
		return
	}
	why := held{
		"no administrator of " + u.Account + " would keep a way in, and " + u.Name + " is one now",
		fmt.Sprintf("enroll a virtual MFA device for one of them first, or give one the rights by another way; or acknowledge with --ack %s:%s/%s",
			baseline.GuardLastAdministrator, u.Account, u.Name),
	}
	if m == nil {
		g.kept[u.ARN] = why
		return
	}
	m.blocked, m.remedy = why.why, why.remedy
}

// holdFor blocks a step on our policy while somebody exempt has to stay under
// it.
func (g *guard) holdFor(s *Step) {
	for i := range g.p.account.Users {
		u := &g.p.account.Users[i]
		if kept, there := g.kept[u.ARN]; there && g.p.under(u) && s.Blocked == "" {
			s.Blocked = "enforces " + u.Name + ", who is exempt, as well: " + kept.why
			s.Remedy = kept.remedy
		}
	}
}

// leaves tells whether our group, with whatever else it gives, or a policy of
// ours, with whatever it says now, is taken from an exempt user.
func (g *guard) leaves(u audit.User) bool {
	if u.State != audit.Exempt || u.Read == nil {
		return false
	}
	return g.p.inside(u.Read) || slices.Contains(u.Read.Attached, g.p.policyARN) || g.p.inlineOurs(u.Read)
}

// outcome is the account and a user, who is a member or not (nil), as they will
// be. Whoever stays as it is is the user as it is now.
func (g *guard) outcome(u *audit.User, now *org.User, m *member) (*org.Account, *org.User) {
	switch {
	case m == nil && g.leaves(*u):
		return g.p.account, g.p.released(now)
	case m == nil || m.blocked != "":
		return g.p.account, now
	}
	later := g.enforced(m)
	if m.needsWindow {
		if tagged := g.p.withWindow(later); tagged != nil {
			later = tagged
		}
	}
	if m.place == bySCP {
		return g.bare, later
	}
	return g.after, later
}

// office is how a user, as it stands in read, can administer the account with a
// credential that it has or with an MFA session that it can get.
func (g *guard) office(a *org.Account, read *org.User, u *audit.User) office {
	can := func(c policy.Credential) bool { return g.allowed(a, read, u, c, administration).way == found }
	switch {
	case hasCredentials(u) && can(policy.SessionTokenMFA) && g.ask(a, read, u).way == found:
		if u.MFA == org.Yes {
			return officeWithMFA
		}
		return officeOnceEnrolled
	case u.ActiveKeys > 0 && can(policy.LongTermKey), u.Console == org.Yes && can(policy.ConsolePassword):
		return officeWithoutMFA
	}
	return noOffice
}
