// Package access plans the access section of the config file: groups of the
// identity account, their members, the roles that they assume in other accounts,
// and the migration of users from their own policies to such roles.
package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
	"forcemfa/policy/trust"
)

// An Input is what a plan of the access section is made from.
type Input struct {
	Header      *org.Header
	Baseline    *baseline.Baseline
	Access      *baseline.Access // the whole section, or a part of it
	Accounts    []*org.Account   // the accounts that it names; steps on one that was not read are blocked
	Now         time.Time
	Acknowledge []baseline.Acknowledgement
	Resume      *plan.Plan // see [planner.Input]
}

// account is the account with an ID, or nil when it was not read.
func (in *Input) account(id string) *org.Account {
	i := slices.IndexFunc(in.Accounts, func(a *org.Account) bool { return a.ID == id && a.Read })
	if i < 0 {
		return nil
	}
	return in.Accounts[i]
}

func (in *Input) acknowledged(guard, account, name string) bool {
	flags := baseline.Baseline{Acknowledge: in.Acknowledge}
	return in.Baseline.Acknowledged(guard, account, name) || flags.Acknowledged(guard, account, name)
}

// Plan plans groups, the roles that they may assume, their members, and the roles
// in all accounts. Nothing is taken from a role or group that exists; permissions
// that the config file does not grant are notes.
func Plan(in Input) *plan.Plan {
	x := &accessPlanner{in: &in, plan: plan.New(in.Now, in.Baseline.Hash())}
	for _, r := range in.Access.Roles(in.Header.Partition) {
		x.role(r)
	}
	for _, g := range in.Access.Groups {
		x.group(g)
	}
	for id, steps := range in.Resume.ByAccount() {
		if a := in.account(id); a != nil {
			x.plan.MarkDone(a, steps)
		}
	}
	slices.SortFunc(x.plan.Steps, plan.Compare)
	return x.plan
}

type accessPlanner struct {
	in   *Input
	plan *plan.Plan
}

func (x *accessPlanner) add(s plan.Step) *plan.Step {
	x.plan.Steps = append(x.plan.Steps, s)
	return &s
}

func (x *accessPlanner) note(format string, args ...any) {
	x.plan.Notes = append(x.plan.Notes, fmt.Sprintf(format, args...))
}

var present, absent = plan.State{Present: true}, plan.State{}

// roleNamed is the role of an account with a name, or nil; IAM compares the names
// of roles without case.
func roleNamed(a *org.Account, name string) *org.Role {
	i := slices.IndexFunc(a.Roles, func(r org.Role) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return nil
	}
	return &a.Roles[i]
}

// roleARN is the ARN of a role, existing or planned.
func (in *Input) roleARN(account, name string) string {
	if a := in.account(account); a != nil {
		if r := roleNamed(a, name); r != nil {
			return r.ARN
		}
	}
	return arn.IAM(in.Header.Partition, account, "role", "/", name)
}

// role creates a role, or changes the trust policy of an existing one so that it
// requires MFA and lets the identity account in, and gives it its permissions.
func (x *accessPlanner) role(want baseline.WantedRole) {
	subject := x.in.roleARN(want.Account, want.Name)
	a := x.in.account(want.Account)
	if a == nil {
		s := plan.NewStep(plan.CreateRole, want.Account, subject, "", absent, present)
		s.Block("account "+want.Account+" could not be read", "let forcemfa assume a role there, or remove the account from access")
		x.add(s)
		return
	}
	role := roleNamed(a, want.Name)
	made := x.createRole(a, role, subject, want)
	if role == nil {
		role = &org.Role{}
	}
	x.permissions(a, role, subject, want, made)
}

// createRole is the step on the role itself, which its permissions need; nil when
// the role is as wanted.
func (x *accessPlanner) createRole(a *org.Account, role *org.Role, subject string, want baseline.WantedRole) *plan.Step {
	if role == nil {
		document := trust.Document(x.allowIdentityAccount())
		return x.add(plan.NewStep(plan.CreateRole, a.ID, subject, "", absent,
			plan.State{Present: true, Document: document, Value: plan.Seconds(want.MaxSession)}))
	}
	if role.MaxSession > 0 && role.MaxSession != want.MaxSession {
		x.note("%s keeps its maximum session duration of %s", role.ARN, role.MaxSession)
	}
	required, err := trust.RequireMFA(role.Trust, x.in.Baseline.Trust.MaxAge)
	document := required
	if err == nil && !x.letsIn(a, role, required) {
		document, err = trust.Append(required, x.allowIdentityAccount())
	}
	if err == nil && document == role.Trust {
		return nil
	}
	changed := *role
	if required == role.Trust {
		changed.Used = nil // existing callers need nothing more than before
	}
	return x.add(planner.TrustChange{
		Header: x.in.Header, Account: a, Role: &changed, Document: document, Err: err, Now: x.in.Now,
		Acknowledged: x.in.acknowledged(baseline.GuardTrust, a.ID, role.Name),
	}.Step())
}

// letsIn reports whether a trust policy lets users of the identity account assume
// a role with MFA.
func (x *accessPlanner) letsIn(a *org.Account, role *org.Role, text string) bool {
	changed := *role
	changed.Trust = text
	identity := x.in.account(x.in.Access.Account)
	if identity == nil {
		return true
	}
	user := &org.User{Name: "example", ARN: arn.IAM(identity.Partition, identity.ID, "user", "/", "example"), Inline: []org.InlinePolicy{{
		Name: "assume", Document: document.Assume(identity.Partition, []string{role.ARN}),
	}}}
	with, _ := CanAssume(x.in.Header, identity, user, a, &changed, x.in.Now)
	return with.Verdict != policy.ImplicitDenied
}

func (x *accessPlanner) allowIdentityAccount() string {
	return trust.AllowAccount(x.in.Header.Partition, x.in.Access.Account, x.in.Baseline.Trust.MaxAge)
}

// permissions attaches the policies that a role lacks and writes its inline
// policy.
func (x *accessPlanner) permissions(a *org.Account, role *org.Role, subject string, want baseline.WantedRole, made *plan.Step) {
	for _, p := range want.Policies {
		if slices.Contains(role.Attached, p) {
			continue
		}
		s := plan.NewStep(plan.AttachRolePolicy, a.ID, subject, p, absent, present)
		needs(&s, made)
		x.add(s)
	}
	for _, p := range role.Attached {
		if !slices.Contains(want.Policies, p) {
			x.note("%s also has %s, which access does not grant", subject, p)
		}
	}
	before := plan.InlineState(role.Inline, baseline.RoleActionsName)
	switch {
	case len(want.Actions) > 0:
		after := plan.State{Present: true, Document: document.Actions(a.Partition, want.Actions)}
		if !after.Holds(before) {
			s := plan.NewStep(plan.PutRolePolicy, a.ID, subject, baseline.RoleActionsName, before, after)
			needs(&s, made)
			x.add(s)
		}
	case before.Present:
		x.add(plan.NewStep(plan.DeleteRolePolicy, a.ID, subject, baseline.RoleActionsName, before, absent))
	}
}

// needs makes a step need another step in the same account. When that is blocked,
// the step is blocked too: a role gets no permissions before it requires MFA.
func needs(s *plan.Step, on *plan.Step) {
	switch {
	case on == nil || s.Blocked != "":
	case on.Blocked != "":
		s.BlockBy(on)
	case on.Op.Before(s.Op):
		s.Needs = append(s.Needs, on.ID)
	}
}

// group creates a group, writes its policies and adds its members.
func (x *accessPlanner) group(want baseline.AccessGroup) {
	id := x.in.Access.Account
	a := x.in.account(id)
	subject := arn.IAM(x.in.Header.Partition, id, "group", "/", want.Name)
	if a == nil {
		s := plan.NewStep(plan.CreateGroup, id, subject, "", absent, present)
		s.Block("account "+id+" could not be read", "let forcemfa assume a role there")
		x.add(s)
		return
	}
	group := &org.Group{Name: want.Name}
	var made *plan.Step
	if i := slices.IndexFunc(a.Groups, func(g org.Group) bool { return strings.EqualFold(g.Name, want.Name) }); i >= 0 {
		group = &a.Groups[i]
		subject = group.ARN
	} else {
		made = x.add(plan.NewStep(plan.CreateGroup, a.ID, subject, "", absent, present))
	}
	x.groupPolicies(a, group, subject, x.in.Access.Targets(want.Name), made)
	x.members(a, group, want.Members, made)
}

// groupPolicies writes the inline policies of a group: one for the roles that its
// members may assume, and one for their own credentials.
func (x *accessPlanner) groupPolicies(a *org.Account, group *org.Group, subject string, targets []baseline.Target, made *plan.Step) {
	var roles []string
	for _, t := range targets {
		roles = append(roles, x.in.roleARN(t.Account, t.Role))
	}
	wanted := []org.InlinePolicy{{Name: baseline.OwnAccountName, Document: document.OwnAccount(a.Partition)}}
	if len(roles) > 0 {
		wanted = append(wanted, org.InlinePolicy{Name: baseline.AssumeRolesName, Document: document.Assume(a.Partition, roles)})
	}
	size := inlineSize(group, wanted)
	quotas, _ := planner.Quotas(a)
	for _, p := range wanted {
		before, after := plan.InlineState(group.Inline, p.Name), plan.State{Present: true, Document: p.Document}
		if after.Holds(before) {
			continue
		}
		s := plan.NewStep(plan.PutGroupPolicy, a.ID, subject, p.Name, before, after)
		if size > quotas.GroupPolicySize {
			s.Block(fmt.Sprintf("the inline policies of the group would have %d characters, more than its %d", size, quotas.GroupPolicySize),
				"grant the group fewer roles, or split it into several groups")
		}
		needs(&s, made)
		x.add(s)
	}
	for _, p := range group.Attached {
		if p == x.in.Baseline.PolicyOf(a) {
			continue // attach: groups attaches it; it requires MFA
		}
		x.note("%s has %s attached: its members have these permissions without assuming a role", subject, p)
	}
}

// inlineSize is the total size of a group's inline policies once the wanted ones
// are written.
func inlineSize(group *org.Group, wanted []org.InlinePolicy) int {
	size := 0
	for _, p := range wanted {
		size += policy.Size(p.Document)
	}
	for _, p := range group.Inline {
		if !slices.ContainsFunc(wanted, func(w org.InlinePolicy) bool { return w.Name == p.Name }) {
			size += policy.Size(p.Document)
		}
	}
	return size
}

// members adds users to a group, and notes members who are not in the config
// file.
func (x *accessPlanner) members(a *org.Account, group *org.Group, names []string, made *plan.Step) {
	quotas, _ := planner.Quotas(a)
	for _, name := range names {
		x.member(a, group, name, quotas.GroupsPerUser, made)
	}
	for i := range a.Users {
		u := &a.Users[i]
		if slices.Contains(u.Groups, group.Name) && !slices.Contains(names, u.Name) && !x.configured(group.Name, u.Name) {
			x.note("%s is in the group %s, but not in the config file", u.ARN, group.Name)
		}
	}
}

// member adds one user to a group.
func (x *accessPlanner) member(a *org.Account, group *org.Group, name string, quota int, made *plan.Step) {
	u := a.User(name)
	if u == nil {
		s := plan.NewStep(plan.AddUserToGroup, a.ID, arn.IAM(a.Partition, a.ID, "user", "/", name), group.Name, absent, present)
		s.Block("account "+a.ID+" has no user "+name, "create the user, or remove the name from access")
		x.add(s)
		return
	}
	if u.MFA == org.No {
		x.note("%s has no MFA device, and cannot assume a role before enrolling one", u.ARN)
	}
	if slices.ContainsFunc(u.Groups, func(g string) bool { return strings.EqualFold(g, group.Name) }) {
		return
	}
	s := plan.NewStep(plan.AddUserToGroup, a.ID, u.ARN, group.Name, absent, present)
	if len(u.Groups) >= quota {
		s.Block(fmt.Sprintf("the user is in %d groups, as many as the quota allows", len(u.Groups)), "remove the user from a group it does not need")
	}
	needs(&s, made)
	x.add(s)
}

// configured reports whether the whole config file has a user in a group, when
// only part of the access section is planned.
func (x *accessPlanner) configured(group, user string) bool {
	return x.in.Baseline.Access != nil && slices.ContainsFunc(x.in.Baseline.Access.Groups, func(g baseline.AccessGroup) bool {
		return strings.EqualFold(g.Name, group) && slices.Contains(g.Members, user)
	})
}

// CanAssume decides whether a user can assume a role: with an MFA session, and
// without MFA, with an access key or a session, whichever allows more. The user chooses the
// network, the Region, the name of the session and the external ID; the time is now.
func CanAssume(h *org.Header, from *org.Account, u *org.User, to *org.Account, role *org.Role, now time.Time) (with, without policy.Decision) {
	documents := new(org.Cache)
	s := prove.Subject{Principal: from.Principal(u), Set: documents.PolicySet(h, from, u), Context: from.Context(h, u), ForwardedCallsPass: true,
		Roles: []prove.Role{{ARN: role.ARN, Trust: documents.Trust(role), RCPs: documents.RCPs(h, to)}}}
	facing := *s.Set
	facing.RCPs = s.Roles[0].RCPs
	decide := func(c policy.Credential, present policy.Presence) policy.Decision {
		ctx := s.Context.Clone()
		ctx.Set("aws:ViaAWSService", "false")
		ctx.Set("aws:SecureTransport", "true")
		ctx.Set("aws:CurrentTime", now.UTC().Format(time.RFC3339))
		ctx.Set("aws:RequestedRegion", arn.HomeRegion(from.Partition))
		ctx.Set("aws:SourceIp", "192.0.2.1") // RFC 5737
		ctx.Set("sts:RoleSessionName", "forcemfa")
		ctx.SetMFA(c, present, now.Add(-time.Minute), now)
		return facing.Decide(&policy.Request{
			Principal: s.Principal, Action: "sts:AssumeRole", Resource: role.ARN, ResourceAccount: to.ID,
			Policies: []policy.Source{s.Roles[0].Trust}, Context: ctx,
		})
	}
	with = decide(policy.SessionTokenMFA, policy.True)
	if with.Verdict != policy.Allowed && !fromPrivateNetwork(s.Roles[0].Trust.Document) {
		with = anyWith(s, now, with)
	}
	without = decide(policy.LongTermKey, policy.Absent)
	if session := decide(policy.SessionToken, policy.False); without.Verdict != policy.Allowed && (session.Verdict == policy.Allowed || session.Verdict == policy.Unknown) {
		without = session
	}
	if without.Verdict == policy.ImplicitDenied || without.Verdict == policy.ExplicitDenied {
		without = anyWithout(s, without)
	}
	return with, without
}

// anyWith is the decision about a role that one request with MFA is denied: whether another
// one is allowed now.
func anyWith(s prove.Subject, now time.Time, denied policy.Decision) policy.Decision {
	s.Context = s.Context.Clone()
	s.Context.Set("aws:CurrentTime", now.UTC().Format(time.RFC3339))
	s.Context.Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	outcome, _, why := new(prove.Prover).Possible(s, []policy.Credential{policy.SessionTokenMFA}, "sts:AssumeRole", s.Roles[0].ARN)
	switch outcome {
	case prove.Open:
		return policy.Decision{Verdict: policy.Allowed, Layer: policy.Trust}
	case prove.Unknown:
		return policy.Decision{Verdict: policy.Unknown, Why: why}
	}
	return denied
}

// fromPrivateNetwork reports whether a trust policy expects aws:SourceIp in a private network.
// AWS sees the public address of a request, or none through a VPC endpoint.
// Source: IAM User Guide, aws:SourceIp and aws:VpcSourceIp.
func fromPrivateNetwork(d *policy.Document) bool {
	private := func(v string) bool {
		p, err := netip.ParsePrefix(v)
		a, err2 := netip.ParseAddr(v)
		return err == nil && p.Addr().IsPrivate() || err2 == nil && a.IsPrivate()
	}
	return d != nil && slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
			return strings.EqualFold(c.Key, "aws:SourceIp") && strings.HasPrefix(c.Operator, "IpAddress") && !slices.ContainsFunc(c.Values, func(v string) bool { return !private(v) })
		})
	})
}

// anyWithout is the decision about a role that one request without MFA is denied: whether
// another one is allowed, from another network or with another session name.
func anyWithout(s prove.Subject, denied policy.Decision) policy.Decision {
	reached, why := new(prove.Prover).Reach(s)
	switch {
	case len(reached) > 0:
		return policy.Decision{Verdict: policy.Allowed, Layer: policy.Trust}
	case len(why) > 0:
		return policy.Decision{Verdict: policy.Unknown, Why: why[0]}
	}
	return denied
}
