package impact

import (
	"fmt"
	"slices"

	"forcemfa/internal/prose"
)

// WithoutUsers is the report without its users, for files that have them one by one.
func (r *Report) WithoutUsers() *Report {
	whole := *r
	whole.Users, whole.byARN = []User{}, nil
	return &whole
}

// User returns a user of the report; nil when it is not there.
func (r *Report) User(arn string) *User {
	if r == nil {
		return nil
	}
	if r.byARN == nil {
		r.byARN = map[string]*User{}
		for i := range r.Users {
			r.byARN[r.Users[i].ARN] = &r.Users[i]
		}
	}
	return r.byARN[arn]
}

// Program says why recorded calls show that programs use a user whose calls would be
// denied (empty: they don't), and whether the user has recorded calls.
func (r *Report) Program(arn string) (why string, known bool) {
	u := r.User(arn)
	if u == nil || u.Calls == 0 {
		return "", false
	}
	if u.Denied > 0 && (u.Kind == ServiceAccount || u.Kind == Both) {
		why = u.Says()
	}
	return why, true
}

// Says is the evidence about a user who stops in a sentence without subject.
func (u *User) Says() string {
	text := fmt.Sprintf("CloudTrail has %s that would be denied, the last at %s", prose.Count(u.Denied, "call"), u.Last)
	if len(u.Tools) > 0 {
		text += ", by " + u.Tools[0]
	}
	if len(u.Networks) > 0 {
		text += " from " + u.Networks[0]
	}
	return text
}

// HasKey reports whether the report has calls of the user with an access key.
func (u *User) HasKey(id string) bool {
	return slices.ContainsFunc(u.Keys, func(k Key) bool { return k.ID == id })
}
