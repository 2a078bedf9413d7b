package planner

import (
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// adminActions make a user an administrator: whoever can call them on other users
// can get every permission.
var adminActions = []string{"iam:CreateUser", "iam:AttachUserPolicy", "iam:DetachUserPolicy"}

// adminAccess is how a user can administer its account.
type adminAccess uint8

const (
	noAdmin              adminAccess = iota
	adminWithoutMFA                  // only without MFA
	adminAfterEnrollment             // with MFA, once it has enrolled a device
	adminWithMFA                     // with MFA, with a device it has
)

// keepAdministrator blocks the steps that would leave an account without an
// administrator who can still sign in; with MFA, if one can with MFA today.
// Administrators outside the account, such as roles of the management account,
// are not counted.
func (g *guard) keepAdministrator(users []audit.User, candidates []candidate) {
	if len(candidates) == 0 && !slices.ContainsFunc(users, g.detaches) {
		return // no permission changes
	}
	byARN := map[string]*candidate{}
	for i := range candidates {
		byARN[candidates[i].user.ARN] = &candidates[i]
	}
	var before, after adminAccess
	var lost [adminWithMFA + 1][]*audit.User
	for i := range users {
		u := &users[i]
		if u.Read == nil {
			continue
		}
		now := g.withoutClosing(u)
		account, later := g.outcome(u, now, byARN[u.ARN])
		will := g.adminAccess(account, later, u)
		if will == adminWithMFA {
			return
		}
		has := will
		if later != now {
			has = g.adminAccess(g.account, now, u)
		}
		before, after = max(before, has), max(after, will)
		if has > will {
			lost[has] = append(lost[has], u)
		}
	}
	if after >= before {
		return
	}
	for _, u := range lost[before] {
		g.blockAdministrator(u, byARN[u.ARN])
	}
}

// blockAdministrator blocks the step for a user who administers the account today
// and could not afterwards.
func (g *guard) blockAdministrator(u *audit.User, c *candidate) {
	if g.in.acknowledged(baseline.GuardLastAdministrator, u.Account, u.Name) {
		return
	}
	ack := ackFlag(baseline.GuardLastAdministrator, u)
	b := block{
		"account " + u.Account + " would have no administrator with a sign-in path, and " + u.Name + " is one now",
		"enroll a virtual MFA device for an administrator first, or make another user with MFA an administrator; or acknowledge with " + ack,
	}
	if c == nil {
		g.kept[u.ARN] = b
		return
	}
	c.blocked, c.remedy, c.ack = b.why, b.remedy, ack
}

// detaches reports whether the group or a policy of forcemfa, whatever it grants
// today, is taken from an exempt user.
func (g *guard) detaches(u audit.User) bool {
	if u.State != audit.Exempt || u.Read == nil {
		return false
	}
	return g.inGroup(u.Read) || slices.Contains(u.Read.Attached, g.policyARN) || g.inlineManaged(u.Read)
}

// outcome is the account and a user as this plan leaves them. A user whom the
// plan does not change is returned as it is now. c is nil for a user who is not a
// candidate.
func (g *guard) outcome(u *audit.User, now *org.User, c *candidate) (*org.Account, *org.User) {
	switch {
	case c == nil && g.detaches(*u):
		return g.account, g.detached(now)
	case c == nil || c.blocked != "":
		return g.account, now
	}
	later := g.afterStep(c)
	if c.needsWindow {
		if tagged := g.withWindow(later); tagged != nil {
			later = tagged
		}
	}
	if c.place == bySCP {
		return g.scpOnly, later
	}
	return g.after, later
}

// adminAccess is how a user, with the policies of read, can administer the account
// with a credential that it has or with an MFA session that it can get.
func (g *guard) adminAccess(a *org.Account, read *org.User, u *audit.User) adminAccess {
	can := func(c policy.Credential) bool { return g.allowed(a, read, u, c, adminActions).state == pathFound }
	switch {
	case hasCredentials(u) && can(policy.SessionTokenMFA) && g.signInPath(a, read, u).state == pathFound:
		if u.MFA == org.Yes {
			return adminWithMFA
		}
		return adminAfterEnrollment
	case u.ActiveKeys > 0 && can(policy.LongTermKey), u.Console == org.Yes && can(policy.ConsolePassword):
		return adminWithoutMFA
	}
	return noAdmin
}
