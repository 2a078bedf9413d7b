package planner_test

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

const (
	account   = "111122223333"
	policyARN = "arn:aws:iam::111122223333:policy/forcemfa/ForceMFA"
	groupARN  = "arn:aws:iam::111122223333:group/forcemfa/ForceMFA"
	admin     = "arn:aws:iam::aws:policy/AdministratorAccess"
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// audited streams accounts with their audit.
func audited(h *org.Header, accounts []org.Account, b *baseline.Baseline, at time.Time) iter.Seq2[*audit.Audited, error] {
	return func(yield func(*audit.Audited, error) bool) {
		auditor := audit.New(h, b, at)
		for i := range accounts {
			if !yield(auditor.Audit(&accounts[i]), nil) {
				return
			}
		}
	}
}

// A scene is one account with the other inputs of the plan. The zero value of
// each field is a plain default.
type scene struct {
	header   org.Header
	account  org.Account
	baseline *baseline.Baseline
	resume   *plan.Plan
	now      time.Time
	acks     []baseline.Acknowledgement
	impact   *impact.Report
}

func (s *scene) input() planner.Input {
	if s.baseline == nil {
		s.baseline = baseline.Default()
		s.baseline.Window.Days = 7
	}
	if s.now.IsZero() {
		s.now = now
	}
	s.header.Format, s.header.Partition, s.header.Taken = org.Format, "aws", s.now
	a := &s.account
	a.ID, a.Partition, a.Read, a.State = account, "aws", true, "ACTIVE"
	if a.Quotas == (org.Quotas{}) {
		a.Quotas = org.Quotas{
			AttachedPoliciesPerUser: 10, AttachedPoliciesPerGroup: 10, GroupsPerUser: 10, Groups: 300,
			Policies: 1500, PolicySize: 6144, UserPolicySize: 2048, GroupPolicySize: 5120, VersionsPerPolicy: 5,
		}
	}
	if a.Policy(admin) == nil {
		a.Policies = append(a.Policies, org.Policy{ARN: admin, Name: "AdministratorAccess", Path: "/", Default: "v1",
			Versions: []org.Version{{ID: "v1", Document: allowAll}}})
	}
	a.Sort()
	return planner.Input{
		Header: &s.header, Baseline: s.baseline, Now: s.now, Impact: s.impact, Acknowledge: s.acks, Resume: s.resume,
		Accounts: audited(&s.header, []org.Account{*a}, s.baseline, s.now),
	}
}

func (s *scene) plan(t *testing.T) *plan.Plan {
	t.Helper()
	p, err := planner.Make(s.input())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lines are the steps of a plan, one short line each.
func lines(p *plan.Plan) []string {
	var out []string
	for i := range p.Steps {
		out = append(out, line(&p.Steps[i]))
	}
	return out
}

func line(s *plan.Step) string {
	words := []string{string(s.Op), s.Subject[strings.LastIndexByte(s.Subject, '/')+1:]}
	switch {
	case s.Op == plan.TagUser:
		words = append(words, s.Object+"="+s.Want.Value)
	case s.Object != "":
		words = append(words, s.Object[strings.LastIndexByte(s.Object, '/')+1:])
	}
	if s.Blocked != "" {
		words = append(words, "BLOCKED "+s.Blocked)
	}
	return strings.Join(words, " ")
}

// The users of the scenes: an administrator with everything, to take away from.
func user(name string, change ...func(*org.User)) org.User {
	u := org.User{
		Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + strings.ToUpper(name),
		Attached: []string{admin}, Password: org.Yes, PasswordReset: org.No, MFA: org.Yes,
		Devices: []org.Device{{Serial: "arn:aws:iam::" + account + ":mfa/" + name, Kind: org.VirtualMFA}},
		Keys:    []org.AccessKey{{Slot: 1, Active: true}},
	}
	for _, c := range change {
		c(&u)
	}
	return u
}

func noDevice(u *org.User)     { u.MFA, u.Devices = org.No, nil }
func noPassword(u *org.User)   { u.Password, u.PasswordReset = org.No, org.No }
func noKey(u *org.User)        { u.Keys = nil }
func mustReset(u *org.User)    { u.PasswordReset = org.Yes }
func resetUnknown(u *org.User) { u.PasswordReset = org.Unknown }
func workload(u *org.User)     { u.Tags = append(u.Tags, org.Tag{Key: "userType", Value: "Service"}) }
func inGroup(u *org.User)      { u.Groups = append(u.Groups, "ForceMFA"); slices.Sort(u.Groups) }
func attached(u *org.User)     { u.Attached = append(u.Attached, policyARN) }

func fidoOnly(u *org.User) {
	u.Devices = []org.Device{{Serial: "arn:aws:iam::" + account + ":u2f/user/" + u.Name + "/k", Kind: org.FIDO}}
}

func inline(document string) func(*org.User) {
	return func(u *org.User) {
		u.Inline = append(u.Inline, org.InlinePolicy{Name: "ForceMFA", Document: document})
	}
}

func window(value string) func(*org.User) {
	return func(u *org.User) { u.Tags = append(u.Tags, org.Tag{Key: "forcemfa-enrollment", Value: value}) }
}

// fullOf puts a user in n groups.
func fullOf(n int) func(*org.User) {
	return func(u *org.User) {
		for i := range n {
			u.Groups = append(u.Groups, "g"+string(rune('a'+i)))
		}
	}
}

func groups(n int) []org.Group {
	var all []org.Group
	for i := range n {
		name := "g" + string(rune('a'+i))
		all = append(all, org.Group{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":group/" + name})
	}
	return all
}

// managed is the forcemfa policy with these documents, the last in force, and the
// forcemfa group with the policy attached.
func managed(documents ...string) ([]org.Policy, []org.Group) {
	p := org.Policy{ARN: policyARN, Name: "ForceMFA", Path: "/forcemfa/"}
	for i, document := range documents {
		p.Default = "v" + string(rune('1'+i))
		p.Versions = append(p.Versions, org.Version{ID: p.Default, Document: document})
	}
	return []org.Policy{p}, []org.Group{{Name: "ForceMFA", Path: "/forcemfa/", ARN: groupARN, Attached: []string{policyARN}}}
}

func wanted() string { return baseline.Default().Document("aws") }
