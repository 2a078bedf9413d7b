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
	Roles        []Role // that name the user or its account in their trust policy
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

// Look finds what a user can aim at in the organization. Accounts are all that
// were read, holdings are by account ID. What rests on the configuration (the
// names of the enforcement, the tags) is left to the caller.
func Look(user *org.User, account *org.Account, accounts []*org.Account, holdings map[string]Holding) Aims {
	own := holdings[account.ID]
	a := Aims{
		Objects:   first(own.Objects),
		Instances: first(own.Instances),
		Tables:    first(own.Tables),
		TrustAnybody: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` +
			account.ID + `"},"Action":"sts:AssumeRole"}}`,
	}
	a.lookAtPeers(user, account)
	a.lookAtGroups(user, account)
	for _, other := range accounts {
		a.lookAtRoles(user, account, other, holdings[other.ID])
	}
	slices.SortStableFunc(a.Roles, func(x, y Role) int { return cmp.Compare(x.Guard, y.Guard) })
	return a
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

// lookAtRoles keeps the roles of an account whose trust policy has a place for
// the user. Service-linked roles and those of services and federations have
// none.
func (a *Aims) lookAtRoles(user *org.User, home, account *org.Account, holding Holding) {
	for _, r := range account.Roles {
		trust, err := policy.Parse(policy.Trust, r.Trust)
		if err != nil {
			continue
		}
		if account.ID == home.ID && a.RoleOwned == "" && !strings.HasPrefix(r.Path, "/aws-") {
			a.RoleOwned = r.Name
		}
		guard, trusts := guardOf(trust, user.ARN, home.ID)
		if !trusts {
			continue
		}
		a.Roles = append(a.Roles, Role{
			ARN: r.ARN, Account: account.ID, Guard: guard,
			Instance: last(holding.Instances), Table: last(holding.Tables),
		})
	}
}

// guardOf tells what the weakest statement that has a place for the user asks.
func guardOf(trust *policy.Document, user, account string) (guard Guard, trusts bool) {
	guard = Guarded
	for _, s := range trust.Statements {
		if s.Effect != policy.Allow || !assumes(s.Actions) || s.Principals == nil || !names(s.Principals, user, account) {
			continue
		}
		trusts = true
		guard = min(guard, guardIn(s.Conditions))
	}
	return guard, trusts
}

func assumes(actions []string) bool {
	return slices.ContainsFunc(actions, func(a string) bool {
		return a == "*" || strings.EqualFold(a, "sts:*") || strings.EqualFold(a, "sts:AssumeRole") || strings.EqualFold(a, "sts:AssumeRole*")
	})
}

func names(p *policy.Principals, user, account string) bool {
	return p.Everyone || slices.ContainsFunc(p.AWS, func(name string) bool {
		if name == user || name == account {
			return true
		}
		a, err := arn.Parse(name)
		return err == nil && a.Account == account && a.Resource == "root"
	})
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
