package doors

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// Aims are what a thief in the user's account would aim at. An empty field
// means that there is no such thing, and the doors that need it do not apply.
type Aims struct {
	// What the enforcement rests on, whether it is there yet or not.
	PolicyARN    string
	Group        string
	InlinePolicy string
	ExemptTag    org.Tag // makes a user exempt
	WindowTag    org.Tag // opens the enrolment of a user by access key

	Objects   []string // S3 objects of the account: bucket/key
	Instances []string // EC2
	Tables    []string // DynamoDB

	Peer         string // another user of the account
	Newcomer     string // another one without console password
	Colleague    string // another one with console password
	Unprotected  string // another one without MFA device
	Protected    string // another one with a device that gives codes
	ProtectedBy  string // the serial number of that device
	AdminGroup   string // a group that grants everything, and that the user is not in
	Roles        []Role // that name the user, its account or everybody in their trust policy
	RoleOwned    string // a role of the account whose trust policy can be changed
	TrustAnybody string // a trust policy that lets in the account without MFA
}

// A Role is a role that a user may try to assume.
type Role struct {
	ARN     string
	Account string
	Guard   Guard
	// What is there to be destroyed in the role's account; empty: nothing.
	Instance, Table string
}

// A Guard is what a trust policy asks of a caller in the way of MFA.
type Guard uint8

// The guards, the weakest first.
const (
	Unguarded Guard = iota // nothing
	Weak                   // a condition on MFA that a request without any MFA information passes
	Guarded                // MFA
)

// A Holding is what an account holds besides IAM: the things that the doors of
// S3, EC2 and DynamoDB aim at.
type Holding struct {
	Objects   []string // bucket/key
	Instances []string
	Tables    []string
}

// atMost is how many aims of a kind are tried for one user: enough to find the
// one that a narrow policy allows, and a bound on the time that it takes.
const atMost = 4

// A Map knows where in an organization there is something to aim at.
type Map struct {
	holdings map[string]Holding
	// roles are those that can be assumed, by whom their trust policy names: an
	// account ID, the ARN of a user, or *.
	roles map[string][]trusting
}

// A trusting is a role with the statements of its trust policy that let
// somebody in.
type trusting struct {
	role   Role
	trusts []policy.Statement
}

// Survey makes a map of the accounts that were read. Holdings are by account
// ID.
func Survey(accounts []*org.Account, holdings map[string]Holding) *Map {
	m := &Map{holdings: holdings, roles: map[string][]trusting{}}
	for _, a := range accounts {
		for i := range a.Roles {
			m.add(a, &a.Roles[i])
		}
	}
	return m
}

// add notes a role under everybody whom its trust policy names. Roles of
// services and federations alone name nobody.
func (m *Map) add(account *org.Account, r *org.Role) {
	document, err := policy.Parse(policy.Trust, r.Trust)
	if err != nil {
		return
	}
	there := m.holdings[account.ID]
	t := trusting{role: Role{ARN: r.ARN, Account: account.ID, Instance: last(there.Instances), Table: last(there.Tables)}}
	var named []string
	for _, s := range document.Statements {
		if s.Effect == policy.Allow && s.Principals != nil && assumes(s.Actions) {
			t.trusts = append(t.trusts, s)
			named = append(named, names(s.Principals)...)
		}
	}
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		m.roles[name] = append(m.roles[name], t)
	}
}

// Aims are what a user can aim at. What rests on the configuration (the names
// of the enforcement, the tags) is left to the caller.
func (m *Map) Aims(user *org.User, account *org.Account) Aims {
	own := m.holdings[account.ID]
	a := Aims{
		Objects:   first(own.Objects),
		Instances: first(own.Instances),
		Tables:    first(own.Tables),
		Roles:     m.rolesFor(user.ARN, account.ID),
		TrustAnybody: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` +
			account.ID + `"},"Action":"sts:AssumeRole"}}`,
	}
	a.lookAtPeers(user, account)
	a.lookAtGroups(user, account)
	for _, r := range account.Roles {
		if !strings.HasPrefix(r.Path, "/aws-") {
			a.RoleOwned = r.Name
			break
		}
	}
	return a
}

// rolesFor are the roles whose trust policy has a place for the user, the
// weakest guard first.
func (m *Map) rolesFor(user, account string) []Role {
	var roles []Role
	seen := map[string]bool{}
	for _, name := range []string{user, account, "*"} {
		for _, t := range m.roles[name] {
			if !seen[t.role.ARN] {
				seen[t.role.ARN] = true
				r := t.role
				r.Guard = guardOf(t.trusts, user, account)
				roles = append(roles, r)
			}
		}
	}
	slices.SortFunc(roles, func(x, y Role) int {
		return cmp.Or(cmp.Compare(x.Guard, y.Guard), strings.Compare(x.ARN, y.ARN))
	})
	return roles
}

func (a *Aims) lookAtPeers(user *org.User, account *org.Account) {
	set := func(field *string, name string) {
		if *field == "" {
			*field = name
		}
	}
	for _, u := range account.Users {
		if u.Name == user.Name {
			continue
		}
		set(&a.Peer, u.Name)
		switch u.Password {
		case org.Yes:
			set(&a.Colleague, u.Name)
		case org.No:
			set(&a.Newcomer, u.Name)
		}
		if u.MFA == org.No && len(u.Devices) == 0 {
			set(&a.Unprotected, u.Name)
		}
		for _, d := range u.Devices {
			if d.Kind.GivesCodes() && a.Protected == "" {
				a.Protected, a.ProtectedBy = u.Name, d.Serial
			}
		}
	}
}

func (a *Aims) lookAtGroups(user *org.User, account *org.Account) {
	for _, g := range account.Groups {
		admin := slices.ContainsFunc(g.Attached, func(p string) bool { return strings.HasSuffix(p, ":iam::aws:policy/AdministratorAccess") })
		if admin && !slices.Contains(user.Groups, g.Name) {
			a.AdminGroup = g.Name
			return
		}
	}
}

// guardOf tells what the weakest statement that has a place for the user asks.
func guardOf(trusts []policy.Statement, user, account string) Guard {
	guard := Guarded
	for _, s := range trusts {
		if slices.ContainsFunc(names(s.Principals), func(name string) bool { return name == user || name == account || name == "*" }) {
			guard = min(guard, guardIn(s.Conditions))
		}
	}
	return guard
}

func assumes(actions []string) bool {
	return slices.ContainsFunc(actions, func(a string) bool {
		return a == "*" || strings.EqualFold(a, "sts:*") || strings.EqualFold(a, "sts:AssumeRole") || strings.EqualFold(a, "sts:AssumeRole*")
	})
}

// names are the AWS principals: account IDs, ARNs of users and roles, or *.
func names(p *policy.Principals) []string {
	if p.Everyone {
		return []string{"*"}
	}
	var list []string
	for _, name := range p.AWS {
		if a, err := arn.Parse(name); err == nil && a.Resource == "root" {
			name = a.Account
		}
		list = append(list, name)
	}
	return list
}

// guardIn reads the conditions of one statement. Only Bool true and a greatest
// age, without IfExists, refuse a request that knows nothing of MFA.
// Source: IAM User Guide, "AWS global condition context keys".
func guardIn(conditions []policy.Condition) Guard {
	guard := Unguarded
	for _, c := range conditions {
		switch {
		case strings.EqualFold(c.Operator, "Bool") && strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent") && slices.Equal(c.Values, []string{"true"}),
			strings.HasPrefix(strings.ToLower(c.Operator), "numericlessthan") && !strings.HasSuffix(strings.ToLower(c.Operator), "ifexists") &&
				strings.EqualFold(c.Key, "aws:MultiFactorAuthAge"):
			return Guarded
		case strings.HasPrefix(strings.ToLower(c.Key), "aws:multifactorauth"):
			guard = Weak
		}
	}
	return guard
}

// roles are the ARNs of at most [atMost] roles that satisfy keep.
func (a *Aims) roles(keep func(Role) bool) []string {
	var arns []string
	for _, r := range a.Roles {
		if keep(r) {
			arns = append(arns, r.ARN)
		}
	}
	return first(arns)
}

// role is the role with this ARN, which is one of a.Roles.
func (a *Aims) role(roleARN string) Role {
	return a.Roles[slices.IndexFunc(a.Roles, func(r Role) bool { return r.ARN == roleARN })]
}

func first(all []string) []string { return all[:min(len(all), atMost)] }

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
