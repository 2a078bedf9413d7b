package attack

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// targets is what an attacker with the user's credentials would go for. The scenarios
// that need an empty field do not apply.
type targets struct {
	objects   []string // S3 objects of the account: bucket/key
	instances []string // EC2
	tables    []string // DynamoDB

	other           string   // another user of the account
	otherNoPassword string   // another user without a console password
	otherPassword   string   // another user with a console password
	otherNoDevice   string   // another user without an MFA device
	otherWithDevice string   // another user with a device that shows codes
	otherDevice     string   // the serial number of that device
	adminGroup      string   // a group that grants everything, without the user in it
	roles           []role   // roles with the user, its account or everybody in their trust policy
	editableRole    string   // a role of the account whose trust policy can be changed
	ownRoles        []string // ARNs of the roles of the account
	permissiveTrust string   // a trust policy that does not require MFA of the account
	members         []string // member accounts, if the account manages them
}

// A role is a role that a user may try to assume.
type role struct {
	arn     string
	account string
	mfa     mfaRule
	// An instance and a table in the role's account, to be destroyed; empty: none.
	instance, table string
}

// An mfaRule is what a trust policy requires of a caller.
type mfaRule uint8

// From the weakest to the strongest.
const (
	noMFA       mfaRule = iota // nothing
	weakMFA                    // a condition on MFA that a request without MFA information passes
	requiresMFA                // MFA
)

// Resources are the resources in an account that attacks on S3, EC2 and DynamoDB
// target.
type Resources struct {
	Objects   []string // bucket/key
	Instances []string
	Tables    []string
}

// maxTargets is how many targets of a kind are tried for one user: enough to find the
// one that a narrow policy allows, and a bound on the run time.
const maxTargets = 4

// An Inventory lists the targets in an organization.
type Inventory struct {
	resources map[string]Resources
	// roles are by the principals in their trust policy: an account ID, the ARN of
	// a user, or *.
	roles   map[string][]trustedRole
	members []string // IDs of accounts that another one manages
}

// A trustedRole is a role with the statements of its trust policy that allow someone
// to assume it.
type trustedRole struct {
	role   role
	allows []policy.Statement
}

// NewInventory lists the targets in the accounts. The resources are by account ID.
func NewInventory(accounts []*org.Account, resources map[string]Resources) *Inventory {
	inv := &Inventory{resources: resources, roles: map[string][]trustedRole{}}
	for _, a := range accounts {
		if a.Unit != "" && !a.Management {
			inv.members = append(inv.members, a.ID)
		}
		for i := range a.Roles {
			inv.add(a, &a.Roles[i])
		}
	}
	return inv
}

// add files a role under each principal in its trust policy. Roles for services and
// federated users only have none.
func (inv *Inventory) add(account *org.Account, r *org.Role) {
	document, err := policy.Parse(policy.Trust, r.Trust)
	if err != nil {
		return
	}
	resources := inv.resources[account.ID]
	t := trustedRole{role: role{arn: r.ARN, account: account.ID, instance: last(resources.Instances), table: last(resources.Tables)}}
	var principals []string
	for _, s := range document.Statements {
		if s.Effect == policy.Allow && s.Principals != nil && allowsAssumeRole(s.Actions) {
			t.allows = append(t.allows, s)
			principals = append(principals, principalNames(s.Principals)...)
		}
	}
	slices.Sort(principals)
	for _, name := range slices.Compact(principals) {
		inv.roles[name] = append(inv.roles[name], t)
	}
}

// Subject is a user of the account with its targets. The caller fills in the rest.
func (inv *Inventory) Subject(user audit.User, account *org.Account) *Subject {
	return &Subject{User: user, Partition: account.Partition, targets: inv.targets(account.User(user.Name), account)}
}

func (inv *Inventory) targets(user *org.User, account *org.Account) targets {
	own := inv.resources[account.ID]
	t := targets{
		objects:   first(own.Objects),
		instances: first(own.Instances),
		tables:    first(own.Tables),
		roles:     inv.rolesFor(user.ARN, account.ID),
		permissiveTrust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` +
			account.ID + `"},"Action":"sts:AssumeRole"}}`,
	}
	if account.Management {
		t.members = first(inv.members)
	}
	t.addUsers(user, account)
	t.addGroup(user, account)
	for _, r := range account.Roles {
		t.ownRoles = append(t.ownRoles, r.ARN)
		if t.editableRole == "" && !strings.HasPrefix(r.Path, "/aws-") {
			t.editableRole = r.Name
		}
	}
	return t
}

// rolesFor are the roles whose trust policy includes the user, the weakest MFA
// requirement first.
func (inv *Inventory) rolesFor(user, account string) []role {
	var roles []role
	seen := map[string]bool{}
	for _, name := range []string{user, account, "*"} {
		for _, t := range inv.roles[name] {
			if !seen[t.role.arn] {
				seen[t.role.arn] = true
				r := t.role
				r.mfa = mfaRuleFor(t.allows, user, account)
				roles = append(roles, r)
			}
		}
	}
	slices.SortFunc(roles, func(x, y role) int {
		return cmp.Or(cmp.Compare(x.mfa, y.mfa), strings.Compare(x.arn, y.arn))
	})
	return roles
}

func (t *targets) addUsers(user *org.User, account *org.Account) {
	set := func(field *string, name string) {
		if *field == "" {
			*field = name
		}
	}
	for _, u := range account.Users {
		if u.Name == user.Name {
			continue
		}
		set(&t.other, u.Name)
		switch u.Password {
		case org.Yes:
			set(&t.otherPassword, u.Name)
		case org.No:
			set(&t.otherNoPassword, u.Name)
		}
		if u.MFA == org.No && len(u.Devices) == 0 {
			set(&t.otherNoDevice, u.Name)
		}
		for _, d := range u.Devices {
			if d.Kind.GivesCodes() && t.otherWithDevice == "" {
				t.otherWithDevice, t.otherDevice = u.Name, d.Serial
			}
		}
	}
}

func (t *targets) addGroup(user *org.User, account *org.Account) {
	for _, g := range account.Groups {
		admin := slices.ContainsFunc(g.Attached, func(p string) bool { return strings.HasSuffix(p, ":iam::aws:policy/AdministratorAccess") })
		if admin && !slices.Contains(user.Groups, g.Name) {
			t.adminGroup = g.Name
			return
		}
	}
}

// mfaRuleFor is the requirement of the weakest statement that includes the user.
func mfaRuleFor(statements []policy.Statement, user, account string) mfaRule {
	rule := requiresMFA
	for _, s := range statements {
		if slices.ContainsFunc(principalNames(s.Principals), func(name string) bool { return name == user || name == account || name == "*" }) {
			rule = min(rule, mfaRuleIn(s.Conditions))
		}
	}
	return rule
}

func allowsAssumeRole(actions []string) bool {
	return slices.ContainsFunc(actions, func(a string) bool {
		return a == "*" || strings.EqualFold(a, "sts:*") || strings.EqualFold(a, "sts:AssumeRole") || strings.EqualFold(a, "sts:AssumeRole*")
	})
}

// principalNames are the AWS principals: account IDs, ARNs of users and roles, or *.
func principalNames(p *policy.Principals) []string {
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

// mfaRuleIn reads the conditions of one statement. Only Bool true and a maximum age,
// without IfExists, refuse a request without MFA information.
// Source: IAM User Guide, "AWS global condition context keys".
func mfaRuleIn(conditions []policy.Condition) mfaRule {
	rule := noMFA
	for _, c := range conditions {
		switch {
		case strings.EqualFold(c.Operator, "Bool") && strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent") && slices.Equal(c.Values, []string{"true"}),
			strings.HasPrefix(strings.ToLower(c.Operator), "numericlessthan") && !strings.HasSuffix(strings.ToLower(c.Operator), "ifexists") &&
				strings.EqualFold(c.Key, "aws:MultiFactorAuthAge"):
			return requiresMFA
		case strings.HasPrefix(strings.ToLower(c.Key), "aws:multifactorauth"):
			rule = weakMFA
		}
	}
	return rule
}

// roleARNs are the ARNs of at most [maxTargets] roles that satisfy keep.
func (t *targets) roleARNs(keep func(role) bool) []string {
	var arns []string
	for _, r := range t.roles {
		if keep(r) {
			arns = append(arns, r.arn)
		}
	}
	return first(arns)
}

// role is the role with this ARN, which is one of t.roles.
func (t *targets) role(roleARN string) role {
	return t.roles[slices.IndexFunc(t.roles, func(r role) bool { return r.arn == roleARN })]
}

func first(all []string) []string { return all[:min(len(all), maxTargets)] }

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
