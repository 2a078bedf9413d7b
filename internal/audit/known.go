package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/org"
	"forcemfa/policy/prove"
)

// surroundings are what the users of an account have in common: its roles, and
// names of resources for examples.
type surroundings struct {
	roles []prove.Role
	known map[string]string // by the variable of the catalog
}

func (a *Auditor) surroundings(account *org.Account) surroundings {
	out := surroundings{roles: a.roles(account), known: map[string]string{}}
	if name := bucket(account); name != "" {
		out.known["BucketName"] = name
	}
	for i := range account.Roles {
		if r := &account.Roles[i]; !strings.HasPrefix(r.Path, "/aws-") && out.known["RoleNameWithPath"] == "" {
			out.known["RoleNameWithPath"] = strings.TrimPrefix(r.Path, "/") + r.Name
		}
	}
	for i := range account.Policies {
		if p := &account.Policies[i]; !strings.Contains(p.ARN, "::aws:") && out.known["PolicyNameWithPath"] == "" {
			out.known["PolicyNameWithPath"] = strings.TrimPrefix(p.Path, "/") + p.Name
		}
	}
	return out
}

// roles are the roles of an account with their trust policies, and what decides
// the requests of their sessions.
func (a *Auditor) roles(account *org.Account) []prove.Role {
	roles := make([]prove.Role, len(account.Roles))
	for i := range account.Roles {
		r := &account.Roles[i]
		roles[i] = prove.Role{
			ARN: r.ARN, Trust: a.documents.Trust(r),
			Set: a.documents.RolePolicySet(a.header, account, r), Context: account.RoleContext(a.header, r, "session"),
		}
	}
	return roles
}

// names are the known names for the examples about a user: with a group that it
// is not in, and another user.
func (s surroundings) names(account *org.Account, u *org.User) map[string]string {
	out := maps.Clone(s.known)
	for i := range account.Users[:min(2, len(account.Users))] {
		if other := &account.Users[i]; other.Name != u.Name {
			out["OtherUserName"] = strings.TrimPrefix(other.Path, "/") + other.Name
		}
	}
	for i := range account.Groups {
		if g := &account.Groups[i]; !slices.Contains(u.Groups, g.Name) {
			out["GroupNameWithPath"] = strings.TrimPrefix(g.Path, "/") + g.Name
			break
		}
	}
	return out
}

// bucketARN finds the bucket in an ARN or a pattern of one.
// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
var bucketARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])["/]`)
})

// bucket is the first bucket that the policies of an account name; empty without
// any.
func bucket(account *org.Account) string {
	search := func(document string) string {
		if m := bucketARN().FindStringSubmatch(document); m != nil {
			return m[1]
		}
		return ""
	}
	for i := range account.Policies {
		for _, v := range account.Policies[i].Versions {
			if name := search(v.Document); name != "" && v.ID == account.Policies[i].Default {
				return name
			}
		}
	}
	return inlineBucket(account, search)
}

func inlineBucket(account *org.Account, search func(string) string) string {
	var lists [][]org.InlinePolicy
	for i := range account.Groups {
		lists = append(lists, account.Groups[i].Inline)
	}
	for i := range account.Roles {
		lists = append(lists, account.Roles[i].Inline)
	}
	for i := range account.Users {
		lists = append(lists, account.Users[i].Inline)
	}
	for _, list := range lists {
		for _, p := range list {
			if name := search(p.Document); name != "" {
				return name
			}
		}
	}
	return ""
}
