package lint

import (
	"encoding/json"
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An inspection is the state of checking one document.
type inspection struct {
	kind     policy.Kind
	text     string
	doc      *policy.Document
	findings []Finding
	rules    []func(*inspection) // that check it

	partition, account string // of the requests: as the document names them

	alone policy.Source // the document
	open  policy.Source // the document and an Allow of everything

	guard *guard // the Deny of everything without MFA; nil without one
}

// The account of the requests unless the document names one, and the account
// that owns the resources of resource and trust policies.
const (
	anyAccount   = "111122223333"
	ownerAccount = "999988887777"
)

func (in *inspection) prepare() {
	in.partition, in.account = "aws", anyAccount
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		for _, r := range slices.Concat(st.Resources, st.NotResources) {
			in.learn(r)
		}
		if in.kind == policy.Resource || in.kind == policy.Trust {
			continue
		}
		for _, c := range st.Conditions {
			_, op, _ := operator(&c)
			for _, v := range c.Values {
				in.learn(v)
				if in.account == anyAccount && ofAccount(c) && positiveText(op) && arn.IsAccountID(v) {
					in.account = v
				}
			}
		}
	}
	accounts := []string{in.account, anyAccount, "444455556666", "777788889999"}
	if at := slices.IndexFunc(accounts, func(a string) bool { return !in.excepts(a) }); at >= 0 {
		in.account = accounts[at]
	}
	in.alone = policy.Source{Name: "document", Document: in.doc}
	in.open = in.withAll(in.doc)
}

// excepts reports whether a condition that must not hold names a whole account. The
// requests come from another one.
func (in *inspection) excepts(account string) bool {
	user := "arn:" + in.partition + ":iam::" + account + ":user/zq"
	whole := func(c *policy.Condition, v string) bool {
		g := arn.Compile(v)
		return v == account && ofAccount(*c) || strings.Contains(v, ":"+account+":") && strings.EqualFold(c.Key, "aws:PrincipalArn") && g.Match(user)
	}
	return slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool {
		return slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool {
			_, op, _ := operator(&c)
			return strings.Contains(op, "Not") && slices.ContainsFunc(c.Values, func(v string) bool { return whole(&c, v) })
		})
	})
}

// learn takes the partition and account from an ARN of IAM.
func (in *inspection) learn(text string) {
	a, ok := arn.Split(text)
	if !ok || a.Service != "iam" {
		return
	}
	if in.partition == "aws" && strings.HasPrefix(a.Partition, "aws-") && !strings.ContainsAny(a.Partition, "*?$") {
		in.partition = a.Partition
	}
	if in.account == anyAccount && arn.IsAccountID(a.Account) {
		in.account = a.Account
	}
}

// positiveText reports whether an operator compares text and holds for the values
// that the condition lists.
func positiveText(op string) bool {
	return (strings.HasPrefix(op, "String") || strings.HasPrefix(op, "Arn")) && !strings.Contains(op, "Not")
}

// compose returns a document of statements that Parse accepts.
func (in *inspection) compose(version string, statements ...policy.Statement) policy.Source {
	d := policy.Document{Kind: in.kind, Version: version, Statements: statements}
	return policy.ParseSource("document", in.kind, d.String())
}

// withAll adds an Allow of everything, so that only Denies decide.
func (in *inspection) withAll(d *policy.Document) policy.Source {
	return in.compose(d.Version, append(slices.Clone(d.Statements), in.allowAll())...)
}

func (in *inspection) allowAll() policy.Statement {
	st := policy.Statement{Effect: policy.Allow, Actions: []string{"*"}, Resources: []string{"*"}}
	switch in.kind {
	case policy.Trust:
		st.Resources, st.Principals = nil, &policy.Principals{Everyone: true}
	case policy.Resource, policy.RCP:
		st.Principals = &policy.Principals{Everyone: true}
	}
	return st
}

// single returns a document of one statement, with the conditions that keep
// selects.
func (in *inspection) single(i int, keep func(*policy.Condition) bool) policy.Source {
	st := in.doc.Statements[i]
	st.Conditions = nil
	for _, c := range in.doc.Statements[i].Conditions {
		if keep(&c) {
			st.Conditions = append(st.Conditions, c)
		}
	}
	return in.compose(in.doc.Version, st)
}

func every(*policy.Condition) bool { return true }

// full is added to the document: it allows everything.
var full = policy.ParseSource("AdministratorAccess", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)

// set returns the policies that decide a request, with s in the place of the
// document.
func (in *inspection) set(s policy.Source) *policy.Set {
	switch in.kind {
	case policy.Identity:
		return &policy.Set{Identity: []policy.Source{s}}
	case policy.Boundary:
		return &policy.Set{Identity: []policy.Source{full}, Boundary: &s}
	case policy.Session:
		return &policy.Set{Identity: []policy.Source{full}, Session: []policy.Source{s}}
	case policy.SCP:
		return &policy.Set{Identity: []policy.Source{full}, SCPs: [][]policy.Source{{s}}}
	case policy.RCP:
		return &policy.Set{Identity: []policy.Source{full}, RCPs: [][]policy.Source{{s}}}
	}
	return &policy.Set{Identity: []policy.Source{full}}
}

// decide evaluates a situation with s as the document.
func (in *inspection) decide(s policy.Source, at *situation) policy.Verdict {
	return in.decision(s, at).Verdict
}

func (in *inspection) decision(s policy.Source, at *situation) policy.Decision {
	r := at.request()
	if in.kind == policy.Resource || in.kind == policy.Trust {
		r.Policies, r.ResourceAccount = []policy.Source{s}, ownerAccount
	} else if r.Principal.Account != "" {
		r.Policies = delegates(r)
	}
	return in.set(s).Decide(r)
}

// delegates returns the policy of a role or KMS key, which must allow as well:
// it leaves the decision to the policies of the account.
func delegates(r *policy.Request) []policy.Source {
	service, _, _ := strings.Cut(strings.ToLower(r.Action), ":")
	const all = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`
	switch {
	case service == "sts" && strings.Contains(r.Resource, ":role/"):
		return []policy.Source{policy.ParseSource("trust policy", policy.Trust, all+r.Principal.Account+`"},"Action":"sts:*"}}`)}
	case service == "kms" && strings.Contains(r.Resource, ":key/"):
		return []policy.Source{policy.ParseSource("key policy", policy.Resource, all+r.Principal.Account+`"},"Action":"kms:*","Resource":"*"}}`)}
	}
	return nil
}

// refused reports whether the document refuses a request that is otherwise
// allowed.
func (in *inspection) refused(at *situation) bool {
	return in.decide(in.open, at) == policy.ExplicitDenied
}

// passes reports whether a request passes the Denies of the document and the
// limits of AWS itself.
func (in *inspection) passes(at *situation) bool {
	_, limited := at.who.credential.Limit(at.action)
	return !limited && in.decide(in.open, at) == policy.Allowed
}

// allows reports whether the document alone allows a request.
func (in *inspection) allows(at *situation) bool {
	_, limited := at.who.credential.Limit(at.action)
	return !limited && in.decide(in.alone, at) == policy.Allowed
}

// applies reports whether a document of one statement applies.
func (in *inspection) applies(s policy.Source, at *situation) bool {
	if s.Document == nil {
		return false
	}
	v := in.decide(s, at)
	if s.Document.Statements[0].Effect == policy.Deny {
		return v == policy.ExplicitDenied
	}
	return v == policy.Allowed
}

// iam returns the ARN of an IAM entity in the account of the requests.
func (in *inspection) iam(resource string) string {
	return "arn:" + in.partition + ":iam::" + in.account + ":" + resource
}

// statementText prints a statement as JSON.
func statementText(st *policy.Statement) string {
	d := policy.Document{Version: "2012-10-17", Statements: []policy.Statement{*st}}
	var out struct{ Statement []json.RawMessage }
	if json.Unmarshal([]byte(d.String()), &out) != nil || len(out.Statement) != 1 {
		return ""
	}
	return string(out.Statement[0])
}
