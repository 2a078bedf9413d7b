package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The names of the service control policies managed by forcemfa. Names of policies are unique in an
// organization, and only its management account and the administrators that it
// delegates to make any.
const (
	SCPName   = "ForceMFA"
	GuardName = "ForceMFAGuard"
)

// MaxSCPSize is how many characters a service control policy can have, white
// space included.
// Source: Organizations User Guide, "Quotas for AWS Organizations", of 2026.
const MaxSCPSize = 10240

// SCPARN stands for the service control policy of a name in plans: the ID in the
// real one is given by AWS when the policy is made.
func SCPARN(partition, management, organization, name string) string {
	return "arn:" + partition + ":organizations::" + management + ":policy/" + organization + "/service_control_policy/" + name
}

// An InexpressibleError says why an exemption or tag cannot be part of a
// service control policy.
type InexpressibleError struct {
	What string // the exemption or tag
	Why  string
}

func (e *InexpressibleError) Error() string {
	return e.What + " cannot be part of a service control policy: " + e.Why
}

// EnforceSCP is the service control policy that holds the Denies of
// [Options.ForceMFA] for every IAM user except those who are exempt. Requests
// of role sessions are not touched: their aws:PrincipalArn is the role's.
// Expired exemptions are left out. The error is an [*InexpressibleError].
func (o Options) EnforceSCP(partition string) (string, error) {
	statements := o.denies()
	for i := range statements {
		c := statements[i].Condition
		put(c, "ArnLike", "aws:PrincipalArn", "arn:*:iam::*:user/*")
		for _, e := range o.Exemptions {
			if e.Expired {
				continue
			}
			if err := e.except(c); err != nil {
				return "", err
			}
		}
	}
	return render(statements, partition), nil
}

// put adds a value to a condition.
func put(c map[string]map[string]list, operator, key string, values ...string) {
	if c[operator] == nil {
		c[operator] = map[string]list{}
	}
	for _, v := range values {
		if !slices.Contains(c[operator][key], v) {
			c[operator][key] = append(c[operator][key], v)
		}
	}
}

// except makes a Deny pass over the users of an exemption. What it passes over
// is never more than the exemption says.
func (e *Exemption) except(c map[string]map[string]list) error {
	fail := func(why string) error { return &InexpressibleError{What: e.Text, Why: why} }
	switch {
	case e.OU != "":
		return fail("it knows no units; attach it to other units instead")
	case e.hasRegex():
		return fail("it knows no regular expressions")
	case e.Tag != "" && e.Name+e.Path+e.ARN+e.Account != "":
		return fail("a tag and something else together; use one of them")
	case e.Tag != "":
		return e.exceptTag(c)
	}
	patterns, why := e.arns()
	if why != "" {
		return fail(why)
	}
	put(c, "ArnNotLike", "aws:PrincipalArn", patterns...)
	return nil
}

func (e *Exemption) exceptTag(c map[string]map[string]list) error {
	key, value, _ := strings.Cut(e.Tag, "=")
	switch {
	case isGlob(key), value != "*" && isGlob(value), strings.Trim(key, tagKeyChars) != "":
		return &InexpressibleError{What: e.Text, Why: "a pattern compares with case there; write the tag out"}
	case value == "*":
		put(c, "Null", "aws:PrincipalTag/"+key, "true")
	default:
		put(c, "StringNotEqualsIgnoreCase", "aws:PrincipalTag/"+key, value)
	}
	return nil
}

const regexMark = "regex:"

func (e *Exemption) hasRegex() bool {
	_, value, _ := strings.Cut(e.Tag, "=")
	return slices.ContainsFunc([]string{value, e.Name, e.Path, e.ARN, e.Account, e.OU}, func(pattern string) bool {
		return strings.HasPrefix(pattern, regexMark)
	})
}

// tagKeyChars are the characters of a tag key that can be part of a condition key.
const tagKeyChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-:/ "

func isGlob(s string) bool { return strings.ContainsAny(s, "*?") }

// arns are patterns for ArnLike that match exactly the users who are meant; why
// says why there are none.
func (e *Exemption) arns() (patterns []string, why string) {
	account := e.Account
	if account == "" {
		account = "*"
	}
	prefix := "arn:*:iam::" + account + ":user"
	switch {
	case e.ARN != "":
		if e.Name+e.Path+e.Account != "" || strings.Count(e.ARN, ":") != 5 {
			return nil, "an ARN that leaves parts out, or something else with it"
		}
		return []string{e.ARN}, ""
	case isGlob(e.Name):
		return nil, "a pattern for a name would match paths too; write the names out"
	case e.Path == "" && e.Name == "":
		return []string{prefix + "/*"}, ""
	case e.Path == "":
		return []string{prefix + "/" + e.Name, prefix + "/*/" + e.Name}, ""
	case e.Name != "" && !isGlob(e.Path):
		return []string{prefix + e.Path + e.Name}, ""
	case e.Name == "" && strings.HasSuffix(e.Path, "/*") && !isGlob(strings.TrimSuffix(e.Path, "*")):
		return []string{prefix + e.Path}, ""
	}
	return nil, "a path that is neither whole nor ends with /*"
}

// IsManagedSCP reports whether forcemfa wrote a document, changed since or not: it
// has statements, and each has a Sid of a forcemfa document.
func IsManagedSCP(document string) bool {
	var d struct {
		Statement []struct{ Sid string }
	}
	if json.Unmarshal([]byte(document), &d) != nil || len(d.Statement) == 0 {
		return false
	}
	for _, s := range d.Statement {
		if !slices.Contains(managedSids(), s.Sid) {
			return false
		}
	}
	return true
}

func managedSids() []string {
	var ids []string
	for _, name := range []string{"deny.json", "network.json", "signin.json", "age.json", "guard.json"} {
		for _, s := range load(name) {
			ids = append(ids, s.Sid)
		}
	}
	return ids
}

// SizeOfSCP is how many characters of [MaxSCPSize] a document takes; the error
// says when it does not fit.
func SizeOfSCP(document string) (int, error) {
	size := len([]rune(document))
	if size > MaxSCPSize {
		return size, fmt.Errorf("it has %d characters, more than the %d of a service control policy; exempt by tag or path in place of many names", size, MaxSCPSize)
	}
	return size, nil
}
