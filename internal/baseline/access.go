package baseline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/policy/arn"
)

// Access describes cross-account access: users of one account are members of
// groups, and groups are granted roles in this and other accounts.
type Access struct {
	Account string        `json:"account"` // the identity account, with all users
	Groups  []AccessGroup `json:"groups"`
	Grants  []Grant       `json:"grants"`
}

// An AccessGroup is a group and its members.
type AccessGroup struct {
	Name    string   `json:"name"`
	Members []string `json:"members,omitempty"` // names of users
}

// A Grant lets a group assume a role.
type Grant struct {
	Group      string        `json:"group"`
	Role       string        `json:"role"` // its name
	Accounts   []string      `json:"accounts"`
	Policies   []string      `json:"policies,omitempty"` // ARNs of managed policies that the role has, or names of AWS's own
	Actions    []string      `json:"actions,omitempty"`  // that an inline policy of the role allows on everything
	MaxSession time.Duration `json:"max_session"`        // whole seconds; zero: an hour
}

// The names of the inline policies that access makes.
const (
	AssumeRolesName = "ForceMFA-AssumeRoles" // of a group: which roles it may assume
	OwnAccountName  = "ForceMFA-OwnAccount"  // of a group: its members manage their own credentials
	RoleActionsName = "ForceMFA-Actions"     // of a role: the actions of its grants
)

// A role session lasts from 1 to 12 hours.
// Source: IAM API Reference, CreateRole, MaxSessionDuration.
const (
	shortestRoleSession = time.Hour
	longestRoleSession  = 12 * time.Hour
)

func (a *Access) fields() mapping {
	return mapping{
		least: 1,
		fields: []field{
			{"account", required, "The identity account, which has the users.", accountID(&a.Account)},
			{"groups", required, "Groups of the identity account and their members.", sequence[AccessGroup]{&a.Groups, func(g *AccessGroup, _ node) value {
				return mapping{fields: []field{
					{"name", required, "The name of the group.", entityName(&g.Name, 128)},
					{"members", optional, "Names of users of the identity account.", entityNames(&g.Members)},
				}}
			}}},
			{"grants", required, "The roles that each group can assume, and their accounts.", sequence[Grant]{&a.Grants, func(g *Grant, _ node) value { return g.fields() }}},
		},
		check: a.check,
	}
}

func (g *Grant) fields() mapping {
	return mapping{fields: []field{
		{"group", required, "A group of this section.", entityName(&g.Group, 128)},
		{"role", required, "The name of the role.", entityName(&g.Role, 64)},
		{"accounts", required, "The accounts that have the role.", sequence[string]{&g.Accounts, func(id *string, _ node) value { return accountID(id) }}},
		{"policies", optional, "Managed policies of the role: ARNs, or names of AWS managed policies.", sequence[string]{&g.Policies, func(p *string, _ node) value {
			return word[string]{to: p, shape: `^(arn:[a-z-]+:iam::(aws|[0-9]{12}):policy/.+|[A-Za-z0-9_+=,.@/-]+)$`, parse: parseManaged}
		}}},
		{"actions", optional, "Actions that the role is allowed on all resources.", sequence[string]{&g.Actions, func(action *string, _ node) value {
			return word[string]{to: action, shape: `^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`, parse: parseAction}
		}}},
		{"max_session", optional, "The maximum session duration of the role, from 1h to 12h. An existing role keeps its own.", roleSession{&g.MaxSession}},
	}}
}

// check validates the keys of the section together.
func (a *Access) check(n node) error {
	var names []string
	for _, g := range a.Groups {
		switch {
		case strings.EqualFold(g.Name, GroupName):
			return n.errorf("access: the group %s is the one that enforces MFA; choose another name", g.Name)
		case slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, g.Name) }):
			return n.errorf("access: the group %s is given twice", g.Name)
		}
		names = append(names, g.Name)
	}
	sessions := map[string]time.Duration{}
	for _, g := range a.Grants {
		if !slices.Contains(names, g.Group) {
			return n.errorf("access: grants contain the group %s, which is not in groups; groups has %s", g.Group, strings.Join(names, ", "))
		}
		if len(g.Accounts) == 0 {
			return n.errorf("access: the grant of %s to %s has no accounts", g.Role, g.Group)
		}
		for _, account := range g.Accounts {
			key := account + "/" + strings.ToLower(g.Role)
			if before, there := sessions[key]; there && before != g.MaxSession && g.MaxSession != 0 {
				return n.errorf("access: the role %s of account %s has two values of max_session", g.Role, account)
			}
			sessions[key] = max(sessions[key], g.MaxSession)
		}
	}
	return nil
}

// A WantedRole is a role that an account must have.
type WantedRole struct {
	Account, Name string
	Policies      []string // ARNs, sorted
	Actions       []string // sorted
	MaxSession    time.Duration
}

// Roles are the roles that are granted, with all that any grant gives them, by
// account and name.
func (a *Access) Roles(partition string) []WantedRole {
	var all []WantedRole
	for _, g := range a.Grants {
		for _, account := range g.Accounts {
			i := slices.IndexFunc(all, func(r WantedRole) bool { return r.Account == account && strings.EqualFold(r.Name, g.Role) })
			if i < 0 {
				i = len(all)
				all = append(all, WantedRole{Account: account, Name: g.Role})
			}
			r := &all[i]
			for _, p := range g.Policies {
				r.Policies = append(r.Policies, managedARN(partition, p))
			}
			r.Actions = append(r.Actions, g.Actions...)
			r.MaxSession = max(r.MaxSession, g.MaxSession)
		}
	}
	for i := range all {
		slices.Sort(all[i].Policies)
		slices.Sort(all[i].Actions)
		all[i].Policies, all[i].Actions = slices.Compact(all[i].Policies), slices.Compact(all[i].Actions)
		all[i].MaxSession = max(all[i].MaxSession, shortestRoleSession)
	}
	slices.SortFunc(all, func(x, y WantedRole) int { return strings.Compare(x.Account+"/"+x.Name, y.Account+"/"+y.Name) })
	return all
}

// managedARN is the ARN of a managed policy that is given by its ARN, or of an AWS
// managed policy that is given by its name.
func managedARN(partition, given string) string {
	if strings.HasPrefix(given, "arn:") {
		return given
	}
	return "arn:" + partition + ":iam::aws:policy/" + given
}

// Of is the part of the access section about some users: their groups, with only
// these users as members, and the grants of those groups.
func (a *Access) Of(users []string) *Access {
	part := &Access{Account: a.Account}
	for _, g := range a.Groups {
		mine := slices.DeleteFunc(slices.Clone(g.Members), func(name string) bool { return !slices.Contains(users, name) })
		if len(mine) > 0 {
			part.Groups = append(part.Groups, AccessGroup{Name: g.Name, Members: mine})
		}
	}
	for _, g := range a.Grants {
		if slices.ContainsFunc(part.Groups, func(of AccessGroup) bool { return of.Name == g.Group }) {
			part.Grants = append(part.Grants, g)
		}
	}
	return part
}

// A Target is a role of an account by name.
type Target struct{ Account, Role string }

// Targets are the roles that a group is granted, by account and name.
func (a *Access) Targets(group string) []Target {
	var all []Target
	for _, g := range a.Grants {
		if g.Group != group {
			continue
		}
		for _, account := range g.Accounts {
			all = append(all, Target{account, g.Role})
		}
	}
	slices.SortFunc(all, func(x, y Target) int { return strings.Compare(x.Account+"/"+x.Role, y.Account+"/"+y.Role) })
	return slices.Compact(all)
}

// GroupsOf are the names of the groups that list a user as a member.
func (a *Access) GroupsOf(user string) []string {
	var names []string
	for _, g := range a.Groups {
		if slices.Contains(g.Members, user) {
			names = append(names, g.Name)
		}
	}
	return names
}

func accountID(to *string) value {
	return word[string]{to: to, shape: `^[0-9]{12}$`, want: "an account ID of 12 digits in quotes", parse: func(s string) (string, error) {
		if !arn.IsAccountID(s) {
			return "", fmt.Errorf("account %q: want an account ID of 12 digits in quotes", s)
		}
		return s, nil
	}}
}

func entityName(to *string, longest int) value {
	return word[string]{to: to, shape: fmt.Sprintf(`^[A-Za-z0-9_+=,.@-]{1,%d}$`, longest), parse: func(s string) (string, error) {
		if s == "" || len(s) > longest || strings.Trim(s, entityNameChars) != "" {
			return "", fmt.Errorf("name %q: want 1 to %d letters, digits or _+=,.@-", s, longest)
		}
		return s, nil
	}}
}

func entityNames(to *[]string) value {
	return sequence[string]{to, func(name *string, _ node) value { return entityName(name, 64) }}
}

func parseManaged(s string) (string, error) {
	if !strings.HasPrefix(s, "arn:") {
		if s == "" || strings.Trim(s, entityNameChars+"/") != "" {
			return "", fmt.Errorf("policy %q: want the ARN of a managed policy, or the name of an AWS managed policy", s)
		}
		return s, nil
	}
	a, err := arn.Parse(s)
	if err != nil || a.Service != "iam" || a.Kind() != "policy" {
		return "", fmt.Errorf("policy %q: want the ARN of a managed policy, or the name of an AWS managed policy", s)
	}
	return s, nil
}

func parseAction(s string) (string, error) {
	service, name, found := strings.Cut(s, ":")
	if s != "*" && (!found || service == "" || name == "" || strings.ContainsAny(s, " \"\\")) {
		return "", fmt.Errorf("action %q: want service:Name, as ec2:TerminateInstances", s)
	}
	return s, nil
}

// A roleSession reads the maximum session duration of a role.
type roleSession struct{ to *time.Duration }

func (r roleSession) schema() *schema {
	return &schema{Type: "string", Pattern: `^[0-9.hms]+$`, Examples: []string{"8h"}, Default: "1h"}
}

func (r roleSession) read(n node) error {
	text, err := n.text()
	if err != nil {
		return n.errorf("%s: want a duration of 1h to 12h", n.key)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestRoleSession || d > longestRoleSession || d%time.Second != 0 {
		return n.errorf("%s %q: want a duration of 1h to 12h in whole seconds", n.key, text)
	}
	*r.to = d
	return nil
}
