package document

import (
	"regexp"
	"slices"
	"strings"
)

// FunctionRole is the role that the function of an account runs as, under the path
// /forcemfa/.
const FunctionRole = "ForceMFAFunction"

const rolesOf = "arn:*:iam::*:role/"

// deployers are the roles by which CloudFormation works in member accounts.
// Source: CloudFormation User Guide, "Grant self-managed permissions" and
// "Activate trusted access for StackSets with AWS Organizations".
var deployers = []string{rolesOf + "stacksets-exec-*", rolesOf + "AWSCloudFormationStackSetExecutionRole"}

// The statements of guard.json that the options edit.
const (
	guardPolicy  = "ForceMFAGuardPolicy"
	guardAttach  = "ForceMFAGuardAttachment"
	guardGroup   = "ForceMFAGuardGroup"
	guardMembers = "ForceMFAGuardMembers"
	guardUsers   = "ForceMFAGuardUsers"
	guardWindows = "ForceMFAGuardWindows"
	guardTags    = "ForceMFAGuardTags"
	guardNames   = "ForceMFAGuardNames"
	guardRoles   = "ForceMFAGuardRoles"
	guardLeaving = "ForceMFAGuardOrganization"
)

// GuardSCP is the service control policy that lets only the roles in Except change
// the policy and group of forcemfa, the memberships that carry the policy, inline
// policies and boundaries of users, the tags, paths and names that exempt a user, the
// deployed function with its rules and alarms, and the excepted roles themselves, or
// leave the organization, whose policies end there.
// CloudFormation's roles may change what a stack holds, and the function's role may
// attach the policy to the group and open and close enrollment windows. The error is
// an [*InexpressibleError].
//
// The roles are excepted by name, so nobody else may create or change a role of that
// name, or pass it to a service.
func (o Options) GuardSCP(partition string) (string, error) {
	tags, err := o.exemptTags()
	if err != nil {
		return "", err
	}
	users, err := o.exemptUsers()
	if err != nil {
		return "", err
	}
	statements := slices.DeleteFunc(load("guard.json"), func(s statement) bool {
		return s.Sid == guardMembers && !o.AllGroups || s.Sid == guardTags && len(tags) == 0 || s.Sid == guardNames && len(users) == 0
	})
	for i := range statements {
		s := &statements[i]
		if s.Condition == nil {
			s.Condition = map[string]map[string]list{}
		}
		put(s.Condition, "ArnNotLike", "aws:PrincipalArn", o.guardPasses(s.Sid)...)
		switch s.Sid {
		case guardPolicy:
			s.Resource = append(s.Resource, o.adopted()...)
		case guardAttach:
			put(s.Condition, "ArnLike", "iam:PolicyARN", o.adopted()...)
		case guardWindows:
			put(s.Condition, "ForAnyValue:StringEqualsIgnoreCase", "aws:TagKeys", o.WindowTag, o.WindowMark)
		case guardTags:
			put(s.Condition, "ForAnyValue:StringEqualsIgnoreCase", "aws:TagKeys", tags...)
		case guardNames:
			s.Resource = users
		case guardRoles:
			s.Resource = list(o.GuardedRoles())
		}
	}
	return render(statements, partition), nil
}

// guardPasses are the roles that a statement does not restrict.
func (o Options) guardPasses(sid string) []string {
	function := rolesOf + "forcemfa/" + FunctionRole
	switch sid {
	case guardWindows:
		return append(slices.Clone(o.Except), function)
	case guardTags, guardNames, guardUsers, guardMembers, guardLeaving:
		return o.Except
	case guardGroup:
		return slices.Concat(o.Except, deployers, []string{function})
	}
	return slices.Concat(o.Except, deployers)
}

// adopted are the ARNs of adopted policies, in every partition and account.
func (o Options) adopted() []string {
	var all []string
	for _, path := range o.Adopted {
		all = append(all, "arn:*:iam::*:policy"+path)
	}
	return all
}

// GuardedRoles are the ARNs, or globs, of the roles that the guard SCP lets nobody else
// create or change: those that it excepts, and those of forcemfa.
func (o Options) GuardedRoles() []string {
	return slices.Concat(o.Except, deployers, []string{rolesOf + "forcemfa/*"})
}

// exemptTags are the keys of the tags that exempt users.
func (o Options) exemptTags() ([]string, error) {
	var keys []string
	for _, e := range o.Exemptions {
		key, _, _ := strings.Cut(e.Tag, "=")
		if isGlob(key) {
			return nil, &InexpressibleError{What: "tag " + e.Tag, Why: "the key is a pattern"}
		}
		if key != "" && !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) }) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// exemptUsers are patterns for the ARNs of users who are exempt by path, name or ARN.
// They match all of these users, and may match more. An exemption with a tag needs
// none: nobody else can set the tag.
func (o Options) exemptUsers() ([]string, error) {
	var all []string
	for i := range o.Exemptions {
		e := &o.Exemptions[i]
		if e.Tag != "" || e.Name+e.Path+e.ARN == "" {
			continue
		}
		patterns, why := e.covers()
		if why != "" {
			return nil, &InexpressibleError{What: e.Text, Why: why}
		}
		for _, p := range patterns {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// covers are globs that match the ARN of every user who is meant; why says why there
// are none.
func (e *Exemption) covers() (patterns []string, why string) {
	const noPrefix = "it begins with a part that no wildcard expresses; begin it with a fixed text"
	name, known1 := wider(e.Name)
	path, known2 := wider(e.Path)
	whole, known3 := wider(e.ARN)
	if !known1 || !known2 || !known3 {
		return nil, noPrefix
	}
	account, known := wider(e.Account)
	if account == "" || !known {
		account = "*"
	}
	users := "arn:*:iam::" + account + ":user"
	if strings.HasPrefix(path, "*") {
		path = "/" + path // every path begins with a slash
	}
	switch {
	case whole != "" && strings.Count(whole, ":") == 5:
		return []string{whole}, ""
	case whole != "":
		_, rest, found := strings.Cut(whole, ":user/")
		if !found {
			return nil, "the ARN does not say user/…"
		}
		return []string{"arn:*:iam::*:user/" + rest}, ""
	case path == "":
		return []string{users + "/" + name, users + "/*/" + name}, ""
	case name == "":
		return []string{users + strings.TrimSuffix(path, "*") + "*"}, ""
	}
	return []string{users + path + name}, ""
}

// wider is a glob that matches at least what a pattern does. A regular expression
// becomes its fixed beginning; known is false if it has none.
func wider(pattern string) (glob string, known bool) {
	text, regex := strings.CutPrefix(pattern, regexMark)
	if !regex {
		return pattern, true
	}
	r, err := regexp.Compile(text)
	if err != nil {
		return "", false
	}
	prefix, whole := r.LiteralPrefix()
	if whole {
		return prefix, true
	}
	return prefix + "*", prefix != "" && !isGlob(prefix)
}
