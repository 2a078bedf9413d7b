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
	said, arn            string
	without, with, roles []string
}

// exemptionNames adds the findings about exemptions by path, name or ARN that principals
// can give a user.
func (r *report) exemptionNames() {
	names := r.exemptNames()
	if len(names) == 0 {
		return
	}
	other := arn.IAM(r.account.Partition, r.account.ID, "user", "/", "somebody-else")
	for i := range r.account.Users {
		u := &r.account.Users[i]
		if e := r.auditor.baseline.Exempt(r.place, u, r.auditor.now); e != nil && e.BreakGlass {
			continue // may do anything, on purpose
		}
		a := r.userActor(u)
		for _, n := range names {
			switch moves := func(by *actor) bool { return by.moves(u.ARN, n.arn) || by.moves(other, n.arn) }; {
			case moves(a.with(policy.LongTermKey, policy.Absent)) || moves(a.with(policy.ConsolePassword, policy.False)):
				n.without = append(n.without, u.Name)
			case moves(a.with(policy.SessionTokenMFA, policy.True)):
				n.with = append(n.with, u.Name)
			}
		}
	}
	for i := range r.account.Roles {
		a := r.roleActor(&r.account.Roles[i])
		for _, n := range names {
			if a.moves(other, n.arn) {
				n.roles = append(n.roles, r.account.Roles[i].Name)
			}
		}
	}
	for _, n := range names {
		r.addSettable("exemption-name-settable", "exemption/"+n.said, "a user can be given the exempt "+n.said, n.without, n.with, n.roles)
	}
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
			names = append(names, &exemptName{said: said, arn: arn.IAM(r.account.Partition, r.account.ID, "user", path, name)})
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
	takes := func(a *actor) bool {
		for _, role := range guarded {
			if a.can("iam:CreateRole", role) || a.can("iam:UpdateAssumeRolePolicy", role) {
				return true
			}
		}
		return false
	}
	var who []string
	for i := range r.account.Users {
		if u := &r.account.Users[i]; takes(r.userActor(u).with(policy.SessionTokenMFA, policy.True)) {
			who = append(who, "user "+u.Name)
		}
	}
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		if !strings.HasPrefix(role.Path, "/aws-service-role/") && !b.Guards(role.ARN) && takes(r.roleActor(role)) {
			who = append(who, "role "+role.Name)
		}
	}
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
		var who []string
		for j := range r.account.Users {
			if u := &r.account.Users[j]; r.enters(r.userActor(u).with(policy.SessionTokenMFA, policy.True), role) {
				who = append(who, "user "+u.Name)
			}
		}
		for j := range r.account.Roles {
			other := &r.account.Roles[j]
			if !strings.HasPrefix(other.Path, "/aws-service-role/") && !b.Guards(other.ARN) && r.enters(r.roleActor(other), role) {
				who = append(who, "role "+other.Name)
			}
		}
		if len(who) > 0 {
			r.add("guard-bypass", "role/"+role.Name, "the guard SCP excepts the role by its name, and it can be assumed by %s", prose.Few(who))
		}
	}
}

// enters reports whether an actor can assume a role of the account.
func (r *report) enters(a *actor, role *org.Role) bool {
	request := a.request
	request.Action, request.Resource, request.ResourceAccount = "sts:AssumeRole", role.ARN, r.account.ID
	request.Policies = []policy.Source{r.auditor.documents.Trust(role)}
	return possible(a.prover, a.set, &request, a.credential)
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
	var who, whose []string
	impersonates := func(a *actor, self string) bool {
		found := false
		for _, u := range exempt {
			if u.Name != self && slices.ContainsFunc(newCredentials, func(action string) bool { return a.can(action, u.ARN) }) {
				found = true
				if !slices.Contains(whose, u.Name) {
					whose = append(whose, u.Name)
				}
			}
		}
		return found
	}
	for i := range r.account.Users {
		if u := &r.account.Users[i]; impersonates(r.userActor(u).with(policy.SessionTokenMFA, policy.True), u.Name) {
			who = append(who, "user "+u.Name)
		}
	}
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		if !strings.HasPrefix(role.Path, "/aws-service-role/") && !b.Guards(role.ARN) && impersonates(r.roleActor(role), "") {
			who = append(who, "role "+role.Name)
		}
	}
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
	set        *policy.Set
	request    policy.Request
	now        time.Time
	prover     *prove.Prover
	credential policy.Credential
}

func (r *report) userActor(u *org.User) *actor {
	return &actor{set: r.auditor.documents.PolicySet(r.auditor.header, r.account, u), now: r.auditor.now, prover: &r.auditor.prover,
		request: policy.Request{Principal: r.account.Principal(u), Context: r.account.Context(r.auditor.header, u)}}
}

func (r *report) roleActor(role *org.Role) *actor {
	const session = "example"
	a := &actor{set: r.auditor.documents.RolePolicySet(r.auditor.header, r.account, role), now: r.auditor.now, prover: &r.auditor.prover,
		request: policy.Request{Principal: r.account.RolePrincipal(role, session), Context: r.account.RoleContext(r.auditor.header, role, session)}}
	return a.with(policy.RoleFromMFA, policy.True)
}

func (a *actor) with(c policy.Credential, present policy.Presence) *actor {
	by := *a
	by.credential = c
	by.request.Context = a.request.Context.Clone()
	by.request.Context.Set("aws:ViaAWSService", "false")
	by.request.Context.SetMFA(c, present, a.now.Add(-time.Minute), a.now)
	return &by
}

// can reports whether an action on a resource is allowed.
func (a *actor) can(action, resource string) bool {
	request := a.request
	request.Action, request.Resource = action, resource
	return possible(a.prover, a.set, &request, a.credential)
}

// moves reports whether the actor can give a user another ARN, or create a user with it.
// Renaming must be allowed on both ARNs.
func (a *actor) moves(from, to string) bool {
	return a.can("iam:CreateUser", to) || a.can("iam:UpdateUser", to) && a.can("iam:UpdateUser", from)
}
