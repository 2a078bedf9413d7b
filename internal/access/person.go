package access

import (
	"slices"
	"strings"

	"forcemfa/internal/baseline"
)

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
func People(in Input) []Person {
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

func (in *Input) profile(user string, t baseline.Target) Profile {
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
