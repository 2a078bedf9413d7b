package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A guard looks at every user whom a step would enforce, as things will be
// after the step, and blocks the step when the user could never get MFA.
type guard struct {
	p     *planner
	after *org.Account
	// bare is the account as it will be for users whom an SCP alone reaches, and
	// header the organization with that SCP; in.Header where there is none.
	bare   *org.Account
	header *org.Header
	// kept are exempt users, by ARN, who stay under our group or policy, and why.
	kept map[string]held
}

// A way is whether a user can get an MFA session.
type way uint8

const (
	unsure way = iota
	none
	found
)

// A finding of the guard: is there a way in, and if not, why.
type wayIn struct {
	way way
	why string
	fix string // the remedy
}

func newGuard(p *planner) guard {
	g := guard{p: p, after: p.afterwards(), bare: p.account, header: p.in.Header, kept: map[string]held{}}
	if p.covered {
		g.header, g.bare = p.in.withSCP(p.account)
		g.after.SCPs = g.bare.SCPs
	}
	return g
}

// afterwards is the account with our policy as it is wanted and attached to
// our group.
func (p *planner) afterwards() *org.Account {
	a := *p.account
	ours := org.Policy{
		ARN: p.policyARN, Name: baseline.PolicyName, Path: baseline.Path,
		Default: "v1", Versions: []org.Version{{ID: "v1", Document: p.document}},
	}
	a.Policies = slices.DeleteFunc(slices.Clone(p.account.Policies), func(other org.Policy) bool { return other.ARN == p.policyARN })
	a.Policies = append(a.Policies, ours)
	slices.SortFunc(a.Policies, func(x, y org.Policy) int { return strings.Compare(x.ARN, y.ARN) })
	if p.group != nil && !p.carries {
		a.Groups = slices.Clone(p.account.Groups)
		mine := findGroup(&a, p.groupARN)
		mine.Attached = append([]string{p.policyARN}, mine.Attached...)
	}
	return &a
}

// judge decides which members may be enforced, and for whom a window has to be
// opened first.
func (g *guard) judge(users []audit.User, members []member) {
	for i := range members {
		g.judgeOne(&members[i])
	}
	g.keepAdministrator(users, members)
	g.warn(members)
}

func (g *guard) judgeOne(m *member) {
	u := m.user
	if m.blocked != "" || g.isCaller(m) || g.endangers(m) || !hasCredentials(u) {
		return
	}
	if m.place == bySCP {
		g.judgeCovered(m)
		return
	}
	if u.State == audit.Enforced && (u.MFA == org.Yes || g.ask(g.p.account, u.Read, u).way != found) {
		return // no step takes a way in from this one
	}
	g.weigh(m, g.after)
}

// judgeCovered looks at a user whom a service control policy enforces, which
// grants nothing: one who could not enroll, or see to the own devices with MFA,
// is put into our group as well, whose policy grants it.
func (g *guard) judgeCovered(m *member) {
	g.weigh(m, g.bare)
	served := g.p.in.Baseline.Policy.SelfService == baseline.SelfServiceNone ||
		g.allowed(g.bare, m.user.Read, m.user, policy.SessionTokenMFA, ownDevices).way == found
	inside := g.p.inside(m.user.Read)
	if m.blocked == "" && served || !g.p.openGroup || !inside && len(m.user.Read.Groups) >= g.p.quotas.GroupsPerUser {
		return
	}
	granted := member{user: m.user, place: throughGroup}
	if inside {
		granted.place = throughNewAttachment
	}
	if g.weigh(&granted, g.after); granted.blocked == "" && !granted.acknowledged {
		*m = granted
	}
}

// ownDevices is what people do with their own devices.
var ownDevices = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices"}

// weigh decides about a member in the account as it will be.
func (g *guard) weigh(m *member, account *org.Account) {
	u, later := m.user, g.enforced(m)
	answer := g.ask(account, later, u)
	if answer.way == none && u.MFA == org.No && u.ActiveKeys > 0 {
		if tagged := g.p.withWindow(later); tagged != nil && g.ask(account, tagged, u).way == found {
			m.needsWindow = true
			return
		}
	}
	switch {
	case answer.way == found:
	case g.p.in.acknowledged(baseline.GuardLockout, u.Account, u.Name):
		m.acknowledged = true
	default:
		m.blocked = "no way in: " + answer.why
		m.remedy = fmt.Sprintf("%s; or exempt %s, or acknowledge with --ack %s:%s/%s", answer.fix, u.Name, baseline.GuardLockout, u.Account, u.Name)
	}
}

// isCaller blocks what would enforce the user who runs this plan.
func (g *guard) isCaller(m *member) bool {
	u := m.user
	if u.State == audit.Enforced || u.ARN != g.p.in.Header.Caller && u.ARN != g.p.account.Caller ||
		g.p.in.acknowledged(baseline.GuardCaller, u.Account, u.Name) {
		return false
	}
	m.blocked = u.Name + " is the user who runs this, and could be cut off in the middle"
	m.remedy = fmt.Sprintf("run it as another administrator, best as a role session; or acknowledge with --ack %s:%s/%s", baseline.GuardCaller, u.Account, u.Name)
	return true
}

// enforced is the user as it will be after the step, without a window that
// this plan closes.
func (g *guard) enforced(m *member) *org.User {
	u := *m.user.Read
	if open, there := g.p.in.Baseline.Window.Of(u.Tags); there && open.Expired(g.p.in.Now) {
		u = *withoutTag(&u, open.Tag)
	}
	switch m.place {
	case throughGroup, throughAttachment, throughTakers:
		u.Attached = append([]string{g.p.policyARN}, u.Attached...)
	case throughInline:
		inline := []org.InlinePolicy{{Name: g.p.inlineName, Document: m.document}}
		for _, other := range u.Inline {
			if other.Name != g.p.inlineName {
				inline = append(inline, other)
			}
		}
		u.Inline = inline
	}
	return &u
}

// hasCredentials is false for a user who has neither password nor active key:
// nobody is locked out.
func hasCredentials(u *audit.User) bool {
	return u.Console != org.No || u.ActiveKeys > 0
}

// ask says whether u, as it stands in read, can get an MFA session.
func (g *guard) ask(a *org.Account, read *org.User, u *audit.User) wayIn {
	switch u.MFA {
	case org.Yes:
		return withDevice(u)
	case org.No:
		return g.enrolls(a, read, u)
	}
	if first := g.enrolls(a, read, u); first.way == found && withDevice(u).way == found {
		return first
	}
	return wayIn{unsure, "whether " + u.Name + " has an MFA device could not be read",
		"let the role that forcemfa assumes call iam:GenerateCredentialReport, iam:GetCredentialReport and iam:ListMFADevices"}
}

// withDevice is the way in of a user who has a device: any device at the
// console, one that gives codes for an access key.
// Source: IAM User Guide, "AWS multi-factor authentication in IAM": a passkey or
// security key cannot be passed to STS.
func withDevice(u *audit.User) wayIn {
	switch {
	case givesCodes(u.Devices), u.Console == org.Yes:
		return wayIn{way: found}
	case len(u.Devices) == 0:
		return wayIn{unsure, "which kind of MFA device " + u.Name + " has could not be read",
			"let the role that forcemfa assumes call iam:ListMFADevices"}
	case u.Console == org.Unknown:
		return wayIn{unsure, "whether " + u.Name + " has a console password could not be read",
			"let the role that forcemfa assumes call iam:GetLoginProfile"}
	}
	return wayIn{none, u.Name + " has an access key and no MFA device that gives codes, and no console password",
		"enroll a virtual MFA device for " + u.Name + " as an administrator, or give the user a console password"}
}

// enrolls is the way in of a user who has no device: to make and enable a first
// one, at the console or by access key.
func (g *guard) enrolls(a *org.Account, read *org.User, u *audit.User) wayIn {
	console := g.enrollsAtConsole(a, read, u)
	if console.way == found || u.ActiveKeys == 0 {
		return console
	}
	key := g.allowed(a, read, u, policy.LongTermKey, enrollment)
	if key.way == found || console.way == none {
		if console.why != "" && key.way != found {
			key.why = console.why + ", and by access key " + key.why
			key.fix = console.fix
		}
		return key
	}
	return console
}

func (g *guard) enrollsAtConsole(a *org.Account, read *org.User, u *audit.User) wayIn {
	asks := enrollment
	early := g.p.in.Baseline.Policy.PasswordChangeBeforeMFA
	switch {
	case u.Console == org.Unknown:
		return wayIn{unsure, "whether " + u.Name + " has a console password could not be read",
			"let the role that forcemfa assumes call iam:GetCredentialReport or iam:GetLoginProfile"}
	case u.Console == org.No:
		return wayIn{none, u.Name + " has no MFA device and no console password",
			"give " + u.Name + " a console password, or enroll a device as an administrator"}
	case read.PasswordReset == org.Unknown && !early:
		return wayIn{unsure, "whether " + u.Name + " must change the password at the next sign-in could not be read",
			"let the role that forcemfa assumes call iam:GetLoginProfile"}
	case read.PasswordReset == org.Yes && !early:
		return wayIn{none, u.Name + " must change the password at the next sign-in, which the policy denies without MFA",
			"let " + u.Name + " sign in and change the password first, or set allow_password_change_before_mfa"}
	case read.PasswordReset != org.No:
		asks = append([]string{"iam:ChangePassword", "iam:GetAccountPasswordPolicy"}, enrollment...)
	}
	return g.allowed(a, read, u, policy.ConsolePassword, asks)
}

// enrollment is what enrolling a first virtual device takes.
// Source: IAM User Guide, "Enable a virtual MFA device".
var enrollment = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice"}

// allowed tells whether the policies let the user do all of these with such a
// credential, on its own user and on a device of its own name.
func (g *guard) allowed(a *org.Account, read *org.User, u *audit.User, c policy.Credential, actions []string) wayIn {
	set := g.p.documents.PolicySet(g.headerOf(a), a, read)
	var refused wayIn
	for _, address := range addresses(set) {
		if refused = g.allowedFrom(address, a, set, read, c, actions); refused.way == found {
			return refused
		}
	}
	refused.fix = "let " + u.Name + " enroll its own device, or enroll one as an administrator"
	return refused
}

func (g *guard) allowedFrom(address string, a *org.Account, set *policy.Set, read *org.User, c policy.Credential, actions []string) wayIn {
	for _, present := range presences(c.MFA().Present) {
		ctx := g.context(a, read, address)
		ctx.SetMFA(c, present, g.p.in.Now.Add(-time.Minute), g.p.in.Now)
		for _, action := range actions {
			r := policy.Request{Principal: a.Principal(read), Action: action, Resource: g.resource(action, read), Context: ctx}
			if answer := refusal(set.Decide(&r), action); answer.way != found {
				return answer
			}
		}
	}
	return wayIn{way: found}
}

// headerOf is the organization as it stands around an account: as it will be,
// but for the account as it was read.
func (g *guard) headerOf(a *org.Account) *org.Header {
	if a == g.p.account {
		return g.p.in.Header
	}
	return g.header
}

// context is that of a direct call over TLS, now, from an address.
func (g *guard) context(a *org.Account, u *org.User, address string) *policy.Context {
	ctx := a.Context(g.p.in.Header, u)
	ctx.Set("aws:ViaAWSService", "false")
	ctx.Set("aws:SecureTransport", "true")
	ctx.Set("aws:CurrentTime", g.p.in.Now.UTC().Format(time.RFC3339))
	ctx.Set("aws:EpochTime", strconv.FormatInt(g.p.in.Now.Unix(), 10))
	ctx.Set("aws:RequestedRegion", arn.HomeRegion(a.Partition))
	ctx.Set("aws:SourceIp", address)
	return ctx
}

// addresses are those from which it is asked whether a user can enroll: one
// from nowhere special, and one in every network that a policy of the user
// names. Users may enroll from the office, so one that is allowed suffices.
func addresses(set *policy.Set) []string {
	all := []string{"192.0.2.1"} // RFC 5737
	sources := slices.Clone(set.Identity)
	if set.Boundary != nil {
		sources = append(sources, *set.Boundary)
	}
	for _, level := range set.SCPs {
		sources = append(sources, level...)
	}
	for _, s := range sources {
		if s.Document != nil {
			all = append(all, networks(s.Document)...)
		}
	}
	slices.Sort(all[1:])
	return slices.Compact(all)
}

// networks are the first addresses of the networks that a document compares
// the caller's with.
func networks(d *policy.Document) []string {
	var first []string
	for i := range d.Statements {
		for _, c := range d.Statements[i].Conditions {
			if !strings.EqualFold(c.Key, "aws:SourceIp") {
				continue
			}
			for _, value := range c.Values {
				if network, err := netip.ParsePrefix(value); err == nil {
					first = append(first, network.Masked().Addr().String())
				} else if address, err := netip.ParseAddr(value); err == nil {
					first = append(first, address.String())
				}
			}
		}
	}
	return first
}

func refusal(d policy.Decision, action string) wayIn {
	switch {
	case d.Verdict == policy.Allowed:
		return wayIn{way: found}
	case d.Verdict == policy.Unknown:
		return wayIn{way: unsure, why: "whether " + action + " is allowed could not be decided: " + d.Why}
	case d.Source != nil:
		return wayIn{way: none, why: action + " is denied by " + d.Source.Name}
	}
	return wayIn{way: none, why: action + " is not allowed"}
}

func presences(bits policy.Presence) []policy.Presence {
	var each []policy.Presence
	for _, p := range []policy.Presence{policy.Absent, policy.False, policy.True} {
		if bits&p != 0 {
			each = append(each, p)
		}
	}
	return each
}

// resource is what an action acts on: the user itself, where it is not about
// enrollment or administration. A device of the user's own
// name is the one that policies allow where they restrict the name.
func (g *guard) resource(action string, u *org.User) string {
	switch action {
	case "iam:CreateVirtualMFADevice":
		return arn.IAM(g.p.account.Partition, g.p.account.ID, "mfa", "/", u.Name)
	case "iam:GetAccountPasswordPolicy":
		return "*"
	case "iam:CreateUser", "iam:AttachUserPolicy", "iam:DetachUserPolicy":
		return arn.IAM(g.p.account.Partition, g.p.account.ID, "user", "/", "somebody")
	}
	return u.ARN
}
