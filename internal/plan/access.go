package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An AccessInput is what a plan of the access section is made from.
type AccessInput struct {
	Header      *org.Header
	Baseline    *baseline.Baseline
	Access      *baseline.Access // all of it, or a part
	Accounts    []*org.Account   // those that it names; one that is missing is blocked
	Now         time.Time
	Acknowledge []baseline.Acknowledgement
	Resume      *Plan // see [Input]
}

// account is the one of that ID, or nil when it was not read.
func (in *AccessInput) account(id string) *org.Account {
	i := slices.IndexFunc(in.Accounts, func(a *org.Account) bool { return a.ID == id && a.Read })
	if i < 0 {
		return nil
	}
	return in.Accounts[i]
}

// Access plans groups, what they may assume, who is in them, and the roles in
// all accounts. Nothing is taken away from a role or group that is there
// already; what a role has besides is a note.
func Access(in AccessInput) *Plan {
	p := &Plan{Format: Format, Made: in.Now.UTC(), Config: in.Baseline.Hash(), Steps: []Step{}, done: map[string]bool{}}
	x := &accessPlanner{in: &in, plan: p}
	for _, r := range in.Access.Roles(in.Header.Partition) {
		x.role(r)
	}
	for _, g := range in.Access.Groups {
		x.group(g)
	}
	for id, steps := range byAccount(in.Resume) {
		if a := in.account(id); a != nil {
			p.remember(a, steps)
		}
	}
	slices.SortFunc(p.Steps, compareSteps)
	return p
}

type accessPlanner struct {
	in   *AccessInput
	plan *Plan
}

func (x *accessPlanner) add(s Step) *Step {
	x.plan.Steps = append(x.plan.Steps, s)
	return &s
}

func (x *accessPlanner) note(format string, args ...any) {
	x.plan.Notes = append(x.plan.Notes, fmt.Sprintf(format, args...))
}

// roleNamed is a role of an account; IAM's names are unique without case.
func roleNamed(a *org.Account, name string) *org.Role {
	i := slices.IndexFunc(a.Roles, func(r org.Role) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return nil
	}
	return &a.Roles[i]
}

// roleARN is the ARN of a role as it is, or as it will be.
func (in *AccessInput) roleARN(account, name string) string {
	if a := in.account(account); a != nil {
		if r := roleNamed(a, name); r != nil {
			return r.ARN
		}
	}
	return arn.IAM(in.Header.Partition, account, "role", "/", name)
}

// role makes a role, or makes one that is there ask for MFA and let the
// identity account in, and gives it what is granted.
func (x *accessPlanner) role(want baseline.Roled) {
	subject := x.in.roleARN(want.Account, want.Name)
	a := x.in.account(want.Account)
	if a == nil {
		s := newStep(CreateRole, want.Account, subject, "", State{}, State{Present: true})
		s.Blocked, s.Remedy = "account "+want.Account+" could not be read", "give the run a role there, or take the account out of access"
		x.add(s)
		return
	}
	role := roleNamed(a, want.Name)
	made := x.makeRole(a, role, subject, want)
	if role == nil {
		role = &org.Role{}
	}
	x.permissions(a, role, subject, want, made)
}

// makeRole is the step that a role's permissions rest on; nil when it is as it
// should be.
func (x *accessPlanner) makeRole(a *org.Account, role *org.Role, subject string, want baseline.Roled) *Step {
	if role == nil {
		trust := policyText(x.trustStatement())
		return x.add(newStep(CreateRole, a.ID, subject, "", State{}, State{Present: true, Document: trust, Value: seconds(want.MaxSession)}))
	}
	if role.MaxSession > 0 && role.MaxSession != want.MaxSession {
		x.note("%s keeps its own longest session of %s", role.ARN, role.MaxSession)
	}
	p := &planner{in: &Input{Header: x.in.Header, Baseline: x.in.Baseline, Now: x.in.Now, Acknowledge: x.in.Acknowledge}, account: a}
	secured, err := SecureTrust(role.Trust, x.in.Baseline.Trust.MaxAge)
	document := secured
	if err == nil && !x.letsIn(a, role, secured) {
		document, err = withStatement(secured, x.trustStatement())
	}
	if err == nil && document == role.Trust {
		return nil
	}
	op, entrance := UpdateTrust, p.entrance(role)
	if entrance != "" {
		op = UpdateEntranceTrust
	}
	if err != nil {
		document = role.Trust
	}
	s := newStep(op, a.ID, subject, "", State{Present: true, Document: role.Trust}, State{Present: true, Document: document})
	held := *role
	if secured == role.Trust {
		held.Used = nil // nobody is asked for more than before
	}
	s.Blocked, s.Remedy = p.trustHeld(&held, document, entrance, err)
	return x.add(s)
}

// letsIn tells whether a trust policy lets a user of the identity account in
// who has MFA.
func (x *accessPlanner) letsIn(a *org.Account, role *org.Role, trust string) bool {
	changed := *role
	changed.Trust = trust
	identity := x.in.account(x.in.Access.Account)
	if identity == nil {
		return true
	}
	user := &org.User{Name: "example", ARN: arn.IAM(identity.Partition, identity.ID, "user", "/", "example"), Inline: []org.InlinePolicy{{
		Name: "assume", Document: baseline.AssumeDocument(identity.Partition, []string{role.ARN}),
	}}}
	with, _ := Enters(x.in.Header, identity, user, a, &changed, x.in.Now)
	return with.Verdict != policy.ImplicitDenied
}

// trustStatement lets the identity account in with MFA.
func (x *accessPlanner) trustStatement() string {
	condition, err := askMFA(nil, x.in.Baseline.Trust.MaxAge)
	if err != nil {
		panic("plan: " + err.Error()) // there is nothing to read
	}
	return string(object{
		{"Sid", quoted("AllowIdentityAccountWithMFA")}, {"Effect", quoted("Allow")},
		{"Principal", object{{"AWS", quoted("arn:" + x.in.Header.Partition + ":iam::" + x.in.Access.Account + ":root")}}.text()},
		{"Action", quoted("sts:AssumeRole")}, {"Condition", condition},
	}.text())
}

func policyText(statement string) string {
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

// withStatement is a policy with one more statement at its end.
func withStatement(text, statement string) (string, error) {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return "", err
	}
	return editStatements(text, func(i int, s jsonText) ([]jsonText, error) {
		if i == len(d.Statements)-1 {
			return []jsonText{s, jsonText(statement)}, nil
		}
		return []jsonText{s}, nil
	})
}

// permissions attaches what a role lacks.
func (x *accessPlanner) permissions(a *org.Account, role *org.Role, subject string, want baseline.Roled, made *Step) {
	for _, p := range want.Policies {
		if slices.Contains(role.Attached, p) {
			continue
		}
		s := newStep(AttachRolePolicy, a.ID, subject, p, State{}, State{Present: true})
		x.rest(&s, made)
		x.add(s)
	}
	for _, p := range role.Attached {
		if !slices.Contains(want.Policies, p) {
			x.note("%s has %s besides what access grants", subject, p)
		}
	}
	before := inlineOf(role.Inline, baseline.RoleActionsName)
	switch {
	case len(want.Actions) > 0:
		after := State{Present: true, Document: baseline.ActionsDocument(a.Partition, want.Actions)}
		if !after.Holds(before) {
			s := newStep(PutRolePolicy, a.ID, subject, baseline.RoleActionsName, before, after)
			x.rest(&s, made)
			x.add(s)
		}
	case before.Present:
		x.add(newStep(DeleteRolePolicy, a.ID, subject, baseline.RoleActionsName, before, State{}))
	}
}

// rest makes a step need what it rests on in the same account. One that only
// follows a trust policy which is not changed is not done either: a role is
// given nothing before it asks for MFA.
func (x *accessPlanner) rest(s *Step, on ...*Step) {
	for _, n := range on {
		if n == nil || s.Blocked != "" {
			continue
		}
		switch {
		case n.Blocked != "":
			inheritBlock(s, n)
		case slices.Index(ops, n.Op) < slices.Index(ops, s.Op):
			s.Needs = append(s.Needs, n.ID)
		}
	}
}

// group makes a group, says what it may assume, and puts people into it.
func (x *accessPlanner) group(want baseline.AccessGroup) {
	id := x.in.Access.Account
	a := x.in.account(id)
	subject := arn.IAM(x.in.Header.Partition, id, "group", "/", want.Name)
	if a == nil {
		s := newStep(CreateGroup, id, subject, "", State{}, State{Present: true})
		s.Blocked, s.Remedy = "account "+id+" could not be read", "give the run a role there"
		x.add(s)
		return
	}
	group := &org.Group{Name: want.Name}
	var made *Step
	if i := slices.IndexFunc(a.Groups, func(g org.Group) bool { return strings.EqualFold(g.Name, want.Name) }); i >= 0 {
		group = &a.Groups[i]
		subject = group.ARN
	} else {
		made = x.add(newStep(CreateGroup, id, subject, "", State{}, State{Present: true}))
	}
	x.mayAssume(a, group, subject, made)
	x.members(a, group, want.Members, made)
}

// mayAssume writes what a group may assume, and that its members see to their
// own credentials.
func (x *accessPlanner) mayAssume(a *org.Account, group *org.Group, subject string, made *Step) {
	var roles []string
	for _, t := range x.in.Access.Targets(group.Name) {
		roles = append(roles, x.in.roleARN(t.Account, t.Role))
	}
	wanted := []org.InlinePolicy{{Name: baseline.OwnAccountName, Document: baseline.OwnAccountDocument(a.Partition)}}
	if len(roles) > 0 {
		wanted = append(wanted, org.InlinePolicy{Name: baseline.AssumeRolesName, Document: baseline.AssumeDocument(a.Partition, roles)})
	}
	size := 0
	for _, p := range wanted {
		size += policy.Size(p.Document)
	}
	for _, p := range group.Inline {
		if !slices.ContainsFunc(wanted, func(w org.InlinePolicy) bool { return w.Name == p.Name }) {
			size += policy.Size(p.Document)
		}
	}
	quotas, _ := orDefault(a.Quotas)
	for _, p := range wanted {
		before, after := inlineOf(group.Inline, p.Name), State{Present: true, Document: p.Document}
		if after.Holds(before) {
			continue
		}
		s := newStep(PutGroupPolicy, a.ID, subject, p.Name, before, after)
		if size > quotas.GroupPolicySize {
			s.Blocked = fmt.Sprintf("the inline policies of the group would have %d characters, more than its %d", size, quotas.GroupPolicySize)
			s.Remedy = "grant fewer roles to one group, or give the roles the same name and path in fewer accounts"
		}
		x.rest(&s, made)
		x.add(s)
	}
	for _, p := range group.Attached {
		x.note("%s has %s: its members can use that without a role", subject, p)
	}
}

// members puts people into a group, and names those who are in it besides.
func (x *accessPlanner) members(a *org.Account, group *org.Group, names []string, made *Step) {
	quotas, _ := orDefault(a.Quotas)
	for _, name := range names {
		u := a.User(name)
		if u == nil {
			s := newStep(AddUserToGroup, a.ID, arn.IAM(a.Partition, a.ID, "user", "/", name), group.Name, State{}, State{Present: true})
			s.Blocked, s.Remedy = "account "+a.ID+" has no user "+name, "create the user, or take the name out of access"
			x.add(s)
			continue
		}
		if u.MFA == org.No {
			x.note("%s has no MFA device and can assume no role before there is one", u.ARN)
		}
		if slices.ContainsFunc(u.Groups, func(g string) bool { return strings.EqualFold(g, group.Name) }) {
			continue
		}
		s := newStep(AddUserToGroup, a.ID, u.ARN, group.Name, State{}, State{Present: true})
		if len(u.Groups) >= quotas.GroupsPerUser {
			s.Blocked, s.Remedy = fmt.Sprintf("is in %d groups, as many as the account allows", len(u.Groups)), "take the user out of a group it does not need"
		}
		x.rest(&s, made)
		x.add(s)
	}
	for i := range a.Users {
		u := &a.Users[i]
		if slices.Contains(u.Groups, group.Name) && !slices.Contains(names, u.Name) && !x.elsewhere(group.Name, u.Name) {
			x.note("%s is in the group %s and not in the config file", u.ARN, group.Name)
		}
	}
}

// elsewhere tells whether the whole config names a user in a group of which
// this is a part.
func (x *accessPlanner) elsewhere(group, user string) bool {
	return x.in.Baseline.Access != nil && slices.ContainsFunc(x.in.Baseline.Access.Groups, func(g baseline.AccessGroup) bool {
		return g.Name == group && slices.Contains(g.Members, user)
	})
}

// Enters decides whether a user can assume a role: with MFA, as a session
// that a code was given for, and the better of the two ways without.
func Enters(h *org.Header, from *org.Account, u *org.User, to *org.Account, role *org.Role, now time.Time) (with, without policy.Decision) {
	documents := new(org.Cache)
	set := documents.PolicySet(h, from, u)
	decide := func(c policy.Credential, present policy.Presence) policy.Decision {
		ctx := from.Context(h, u)
		ctx.Set("aws:ViaAWSService", "false")
		ctx.Set("aws:SecureTransport", "true")
		ctx.Set("aws:CurrentTime", now.UTC().Format(time.RFC3339))
		ctx.Set("aws:RequestedRegion", arn.HomeRegion(from.Partition))
		ctx.Set("aws:SourceIp", "192.0.2.1") // RFC 5737
		ctx.Set("sts:RoleSessionName", "forcemfa")
		ctx.SetMFA(c, present, now.Add(-time.Minute), now)
		return set.Decide(&policy.Request{
			Principal: from.Principal(u), Action: "sts:AssumeRole", Resource: role.ARN, ResourceAccount: to.ID,
			Policies: []policy.Source{documents.Trust(role)}, Context: ctx,
		})
	}
	with = decide(policy.SessionTokenMFA, policy.True)
	without = decide(policy.LongTermKey, policy.Absent)
	if session := decide(policy.SessionToken, policy.False); without.Verdict != policy.Allowed && (session.Verdict == policy.Allowed || session.Verdict == policy.Unknown) {
		without = session
	}
	return with, without
}

// A Person is a member of a group and the roles that access grants.
type Person struct {
	Name     string    `json:"name"`
	Account  string    `json:"account"`
	Profiles []Profile `json:"profiles"`
}

// A Profile is a role as a person uses it.
type Profile struct {
	Name    string `json:"profile"`
	RoleARN string `json:"role_arn"`
	Serial  string `json:"mfa_serial,omitempty"` // empty: the person has no device that gives codes
	Link    string `json:"link"`                 // switches to the role in the console
}

// People are the members of all groups, by name, with their roles.
func People(in AccessInput) []Person {
	var names []string
	for _, g := range in.Access.Groups {
		names = append(names, g.Members...)
	}
	slices.Sort(names)
	people := []Person{}
	for _, name := range slices.Compact(names) {
		person := Person{Name: name, Account: in.Access.Account, Profiles: []Profile{}}
		for _, group := range in.Access.GroupsOf(name) {
			for _, t := range in.Access.Targets(group) {
				person.Profiles = append(person.Profiles, in.profile(name, t))
			}
		}
		slices.SortFunc(person.Profiles, func(a, b Profile) int { return strings.Compare(a.Name+a.RoleARN, b.Name+b.RoleARN) })
		person.Profiles = slices.Compact(person.Profiles)
		people = append(people, person)
	}
	return people
}

func (in *AccessInput) profile(user string, t baseline.Target) Profile {
	label := t.Account
	if a := in.account(t.Account); a != nil && a.Alias+a.Name != "" {
		if label = a.Alias; label == "" {
			label = strings.Join(strings.Fields(a.Name), "-")
		}
	}
	roleARN := in.roleARN(t.Account, t.Role)
	p := Profile{Name: label + "-" + t.Role, RoleARN: roleARN, Link: switchLink(in.Header.Partition, t.Account, roleARN, label)}
	if a := in.account(in.Access.Account); a != nil && a.User(user) != nil {
		for _, d := range a.User(user).Devices {
			if d.Kind.GivesCodes() && p.Serial == "" {
				p.Serial = d.Serial
			}
		}
	}
	return p
}
