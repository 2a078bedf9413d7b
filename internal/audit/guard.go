package audit

import (
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

// An exemptName is an exemption by path, name or ARN, a user that it would exempt, and
// the principals that can give a user this ARN.
type exemptName struct {
	match     *baseline.Match
	said, arn string
	holders
}

// exemptionNames adds the findings about exemptions by path, name or ARN that principals
// can give a user.
func (r *report) exemptionNames() {
	names := r.exemptNames()
	if len(names) == 0 {
		return
	}
	for i := range r.account.Users {
		u := &r.account.Users[i]
		if e := r.auditor.baseline.Exempt(r.place, u, r.auditor.now); e != nil && e.BreakGlass {
			continue // may do anything, on purpose
		}
		a := r.userActor(u)
		for _, n := range names {
			from := r.movable(a, n)
			n.user(u.Name,
				func() prove.Outcome {
					return either(a.with(policy.LongTermKey, policy.Absent).moves(from, n.arn), a.with(policy.ConsolePassword, policy.False).moves(from, n.arn))
				},
				func() prove.Outcome { return a.with(policy.SessionTokenMFA, policy.True).moves(from, n.arn) })
		}
	}
	for i := range r.account.Roles {
		a := r.roleActor(&r.account.Roles[i])
		for _, n := range names {
			n.role(r.account.Roles[i].Name, a.moves(r.movable(a, n), n.arn))
		}
	}
	for _, n := range names {
		r.addSettable("exemption-name-settable", "exemption/"+n.said, "a user can be given the exempt "+n.said, &n.holders)
	}
}

// movable are ARNs of users that an exemption does not exempt: the actor's own, any, and
// those that the actor's policies name.
func (r *report) movable(a *actor, n *exemptName) []string {
	targets := r.targets(a, r.traits(a))
	return slices.DeleteFunc(targets, func(target string) bool {
		p, _ := arn.Split(target)
		path, name := "/", p.Name()
		if at := strings.LastIndexByte(p.Resource, '/'); at > len("user") {
			path = p.Resource[len("user") : at+1]
		}
		return n.match.Matches(r.place, &org.User{Name: name, Path: path, ARN: target})
	})
}

// exemptNames are the exemptions whose example is not the ARN of a user already: nobody
// can have the name of another user.
func (r *report) exemptNames() []*exemptName {
	var names []*exemptName
	seen := map[string]bool{}
	for i := range r.auditor.baseline.Exemptions {
		e := &r.auditor.baseline.Exemptions[i]
		said := e.Match.String()
		if e.Expired(r.auditor.now) || seen[said] || !e.Match.InPlace(r.place) {
			continue
		}
		seen[said] = true
		if path, name, ok := e.Match.ExampleUser("somebody-else"); ok && r.account.User(name) == nil {
			names = append(names, &exemptName{match: &e.Match, said: said, arn: arn.IAM(r.account.Partition, r.account.ID, "user", path, name)})
		}
	}
	return names
}

// guardRoles adds the finding about principals that can create or take over a role that
// the guard SCP excepts by its name.
func (r *report) guardRoles() {
	b := r.auditor.baseline
	if !baseline.Under(r.auditor.header, r.account, b.Guard.Targets) {
		return
	}
	guarded := b.GuardedRoles(r.account.Partition, r.account.ID)
	who := r.who(func(a *actor) prove.Outcome {
		return anyOf(guarded, func(role string) prove.Outcome {
			return either(a.can("iam:CreateRole", role), a.can("iam:UpdateAssumeRolePolicy", role))
		})
	})
	if len(who) > 0 {
		r.add("guard-bypass", "account", "a role that the guard SCP excepts by name can be created or changed by %s", prose.Few(who))
	}
	r.enteredRoles()
}

// enteredRoles adds the findings about roles that the guard SCP excepts for StackSets and
// the functions, and that other principals of the account can assume: such a role can have
// been made before the guard SCP. Who assumes a role under except is up to the config.
func (r *report) enteredRoles() {
	b := r.auditor.baseline
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		if !b.Guards(role.ARN) || b.GuardPasses(role.ARN) {
			continue
		}
		who := r.who(func(a *actor) prove.Outcome { return r.enters(a, role) })
		if len(who) > 0 {
			r.add("guard-bypass", "role/"+role.Name, "the guard SCP excepts the role by its name, and it can be assumed by %s", prose.Few(who))
		}
	}
}

// who names the principals that can do something, or of whom it could not be decided: users
// with MFA, and roles, except those of services and those that the guard SCP excepts.
func (r *report) who(can func(*actor) prove.Outcome) (names []string) {
	add := func(name string, a *actor) {
		switch can(a) {
		case prove.Open:
			names = append(names, name)
		case prove.Unknown:
			names = append(names, name+" (not decided)")
		}
	}
	for i := range r.account.Users {
		u := &r.account.Users[i]
		add("user "+u.Name, r.userActor(u).with(policy.SessionTokenMFA, policy.True))
	}
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		if !strings.HasPrefix(role.Path, "/aws-service-role/") && !r.auditor.baseline.Guards(role.ARN) {
			add("role "+role.Name, r.roleActor(role))
		}
	}
	return names
}

// enters is whether an actor can assume a role of the account.
func (r *report) enters(a *actor, role *org.Role) prove.Outcome {
	request := a.request
	request.Action, request.Resource, request.ResourceAccount = "sts:AssumeRole", role.ARN, r.account.ID
	request.Policies = []policy.Source{r.auditor.documents.Trust(role)}
	return possible(a.prover, a.subject, &request, a.credential)
}

// newCredentials are the actions that give a user a credential which whoever calls them
// knows.
var newCredentials = []string{"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:CreateServiceSpecificCredential", "iam:UploadSSHPublicKey", "iam:UploadSigningCertificate"}

// exemptCredentials adds the finding about principals that can create credentials of exempt
// users. The guard SCP does not refuse it: whatever replaces the keys of service accounts
// has to.
func (r *report) exemptCredentials() {
	b := r.auditor.baseline
	if !baseline.Under(r.auditor.header, r.account, b.Guard.Targets) {
		return
	}
	var exempt []*org.User
	for i := range r.account.Users {
		if u := &r.account.Users[i]; b.Exempt(r.place, u, r.auditor.now) != nil {
			exempt = append(exempt, u)
		}
	}
	var whose []string
	who := r.who(func(a *actor) prove.Outcome {
		found := prove.Enforced
		for _, u := range exempt {
			if u.ARN == a.request.Principal.ARN {
				continue
			}
			can := anyOf(newCredentials, func(action string) prove.Outcome { return a.can(action, u.ARN) })
			if can != prove.Enforced && !slices.Contains(whose, u.Name) {
				whose = append(whose, u.Name)
			}
			found = either(found, can)
		}
		return found
	})
	if len(who) > 0 {
		slices.Sort(whose)
		r.add("exempt-credentials", "account", "credentials of exempt users (%s) can be created by %s", prose.Few(whose), prose.Few(who))
	}
}

// outside adds the finding about an account in no organization whose config relies on
// service control policies.
func (r *report) outside() {
	h, b := r.auditor.header, r.auditor.baseline
	unread := slices.ContainsFunc(h.Gaps, func(g org.Gap) bool { return strings.Contains(g.What, "organization") })
	if h.Organization == nil && !unread && (b.Attach == baseline.AttachSCP || len(b.Guard.Targets) > 0) {
		r.add("outside-organization", "account", "the account is in no organization, so no service control policy affects its users")
	}
}

// An actor is a principal with one credential.
type actor struct {
	subject    prove.Subject
	request    policy.Request
	now        time.Time
	prover     *prove.Prover
	credential policy.Credential
}

func (r *report) userActor(u *org.User) *actor {
	s := prove.Subject{Principal: r.account.Principal(u), Set: r.auditor.documents.PolicySet(r.auditor.header, r.account, u), Context: r.account.Context(r.auditor.header, u)}
	return r.actor(s)
}

func (r *report) roleActor(role *org.Role) *actor {
	x := prove.Role{ARN: role.ARN, Trust: r.auditor.documents.Trust(role), Set: r.auditor.documents.RolePolicySet(r.auditor.header, r.account, role),
		Context: r.account.RoleContext(r.auditor.header, role, "example")}
	return r.actor(r.auditor.prover.Session(&x)).with(policy.RoleFromMFA, policy.True)
}

func (r *report) actor(s prove.Subject) *actor {
	return &actor{subject: s, request: policy.Request{Principal: s.Principal, Context: s.Context}, now: r.auditor.now, prover: &r.auditor.prover}
}

func (a *actor) with(c policy.Credential, present policy.Presence) *actor {
	by := *a
	by.credential = c
	by.request.Context = a.request.Context.Clone()
	by.request.Context.Set("aws:ViaAWSService", "false")
	by.request.Context.SetMFA(c, present, a.now.Add(-time.Minute), a.now)
	return &by
}

// can is whether an action on a resource is allowed.
func (a *actor) can(action, resource string) prove.Outcome {
	request := a.request
	request.Action, request.Resource = action, resource
	return possible(a.prover, a.subject, &request, a.credential)
}

// moves is whether the actor can give one of the users another ARN, or create a user with
// it. Renaming must be allowed on both ARNs.
func (a *actor) moves(from []string, to string) prove.Outcome {
	renames := a.can("iam:UpdateUser", to)
	if renames != prove.Enforced {
		sure := renames == prove.Open
		renames = anyOf(from, func(arn string) prove.Outcome { return a.can("iam:UpdateUser", arn) })
		if renames == prove.Open && !sure {
			renames = prove.Unknown
		}
	}
	return either(a.can("iam:CreateUser", to), renames)
}
