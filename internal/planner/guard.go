package planner

import (
	"fmt"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
)

// A guard looks at every user whom a step would enforce, as the account will be
// afterwards, and blocks the step when the user could no longer sign in with MFA
// or something else would stop.
type guard struct {
	*accountState
	// after is the account with the policy in force; scpOnly is the account for
	// users whom only an SCP reaches, and header the organization with that SCP.
	after, scpOnly *org.Account
	header         *org.Header
	// kept are exempt users, by ARN, who stay under the group or policy, and why.
	kept map[string]block
}

// A block is why a step is not done, and what to do about it. The zero value
// blocks nothing.
type block struct{ why, remedy string }

func newGuard(s *accountState) *guard {
	g := &guard{accountState: s, after: s.enforced(), scpOnly: s.account, header: s.in.Header, kept: map[string]block{}}
	if s.covered {
		g.header, g.scpOnly = s.in.withSCP(s.account)
		g.after.SCPs = g.scpOnly.SCPs
	}
	return g
}

// check blocks the candidates who must not be enforced, and marks those for whom
// an enrollment window has to be opened first.
func (g *guard) check(users []audit.User, candidates []candidate) {
	for i := range candidates {
		g.checkCandidate(&candidates[i])
	}
	g.keepAdministrator(users, candidates)
}

func (g *guard) checkCandidate(c *candidate) {
	u := c.user
	if c.blocked != "" || g.isCaller(c) || g.disrupts(c) || !hasCredentials(u) {
		return
	}
	if c.place == bySCP {
		g.checkCovered(c)
		return
	}
	if u.State == audit.Enforced && (u.MFA == org.Yes || g.signInPath(g.account, u.Read, u).state != pathFound) {
		return // no step takes a sign-in path from this user
	}
	g.checkLockout(c, g.after)
}

// checkCovered looks at a user whom a service control policy enforces. An SCP
// grants nothing, so a user who could not enroll a device, or manage it with MFA,
// is added to the group ForceMFA when its policy permits that.
func (g *guard) checkCovered(c *candidate) {
	g.checkLockout(c, g.scpOnly)
	inside := g.inGroup(c.user.Read)
	if !g.openGroup || !inside && len(c.user.Read.Groups) >= g.quotas.GroupsPerUser {
		return
	}
	granted := candidate{user: c.user, place: throughGroup}
	if inside {
		granted.place = throughNewAttachment
	}
	if c.blocked == "" && !g.groupPermitsDevices(&granted) {
		return
	}
	if g.checkLockout(&granted, g.after); granted.blocked == "" && granted.lockedOut == "" {
		*c = granted
	}
}

// groupPermitsDevices reports whether a user cannot manage its own devices with
// MFA, and could as a member of the group ForceMFA. It is false when a permissions
// boundary or an SCP does not allow that to members either.
func (g *guard) groupPermitsDevices(granted *candidate) bool {
	manages := func(a *org.Account, read *org.User) pathState {
		return g.allowed(a, read, granted.user, policy.SessionTokenMFA, deviceActions).state
	}
	return g.in.Baseline.Policy.SelfService != document.SelfServiceNone &&
		manages(g.scpOnly, granted.user.Read) != pathFound && manages(g.after, g.afterStep(granted)) != noPath
}

// deviceActions are the actions by which users manage their own devices.
var deviceActions = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices"}

// checkLockout decides about a candidate in the account as it will be.
func (g *guard) checkLockout(c *candidate, account *org.Account) {
	u, later := c.user, g.afterStep(c)
	path := g.signInPath(account, later, u)
	if path.state == noPath && u.MFA == org.No && u.ActiveKeys > 0 && g.mayOpenWindow(later, u) {
		if tagged := g.withWindow(later); tagged != nil && g.signInPath(account, tagged, u).state == pathFound {
			c.needsWindow = true
			return
		}
	}
	switch {
	case path.state == pathFound:
	case g.in.acknowledged(baseline.GuardLockout, u.Account, u.Name):
		c.lockedOut = path.why
	default:
		c.blocked = "no sign-in path: " + path.why
		c.ack = ackFlag(baseline.GuardLockout, u)
		c.remedy = fmt.Sprintf("%s; or exempt %s, or acknowledge with %s", path.remedy, u.Name, c.ack)
	}
}

// mayOpenWindow reports whether a window may be opened for a user: not for one that was
// created a short time ago, in a run that nobody watches, because somebody without MFA may
// have created it; and not for one with a password that must be changed at the next
// sign-in, because the user can enroll after that.
func (g *guard) mayOpenWindow(read *org.User, u *audit.User) bool {
	if g.in.NoWindowBefore > 0 && g.in.Now.Sub(read.Created) < g.in.NoWindowBefore {
		return false
	}
	return u.Console == org.No || u.Console == org.Yes && read.PasswordReset == org.No && !g.expired(read)
}

// isCaller blocks a step that would enforce the user who runs the plan.
func (g *guard) isCaller(c *candidate) bool {
	u := c.user
	if u.State == audit.Enforced || u.ARN != g.in.Header.Caller && u.ARN != g.account.Caller ||
		g.in.acknowledged(baseline.GuardCaller, u.Account, u.Name) {
		return false
	}
	c.blocked = u.Name + " is the user who runs the plan, and could lose access during the run"
	c.ack = ackFlag(baseline.GuardCaller, u)
	c.remedy = "run it as another administrator, preferably in a role session; or acknowledge with " + c.ack
	return true
}

// ackFlag is the flag that overrides a guard for one user.
func ackFlag(guard string, u *audit.User) string {
	return "--ack " + guard + ":" + u.Account + "/" + u.Name
}

// afterStep is the user as the step leaves it, without an enrollment window that
// this plan closes.
func (g *guard) afterStep(c *candidate) *org.User {
	u := *c.user.Read
	if open, there := g.in.Baseline.Window.Of(u.Tags); there && open.Expired(g.in.Now) {
		u = *withoutTag(&u, open.Tag)
	}
	switch c.place {
	case throughGroup, throughAttachment, throughGroups:
		u.Attached = append([]string{g.policyARN}, u.Attached...)
	case throughInline:
		inline := []org.InlinePolicy{{Name: g.inlineName, Document: c.document}}
		for _, other := range u.Inline {
			if other.Name != g.inlineName {
				inline = append(inline, other)
			}
		}
		u.Inline = inline
	}
	return &u
}

// hasCredentials is false for a user with neither password nor active key, who
// cannot be locked out.
func hasCredentials(u *audit.User) bool {
	return u.Console != org.No || u.ActiveKeys > 0
}

// blockForExempt blocks a step on the policy while an exempt user has to stay
// under it.
func (g *guard) blockForExempt(s *plan.Step) {
	for i := range g.account.Users {
		u := &g.account.Users[i]
		if kept, there := g.kept[u.ARN]; there && g.under(u) && s.Blocked == "" {
			s.Block("also enforces the exempt user "+u.Name+": "+kept.why, kept.remedy)
		}
	}
}
