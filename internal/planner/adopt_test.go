package planner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// byHand is a policy that requires MFA, as people write it without forcemfa.
const byHand = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["iam:ListMFADevices","iam:CreateAccessKey"],"Resource":"arn:aws:iam::*:user/${aws:username}"},
	{"Effect":"Deny","NotAction":["iam:EnableMFADevice","sts:GetSessionToken"],"Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`

// other is a policy of the account with these documents, the last in force.
func other(path, name string, documents ...string) org.Policy {
	p := org.Policy{ARN: "arn:aws:iam::" + account + ":policy" + path + name, Name: name, Path: path}
	for i, document := range documents {
		p.Default = "v" + string(rune('1'+i))
		p.Versions = append(p.Versions, org.Version{ID: p.Default, Document: document})
	}
	return p
}

func with(policyARN string) func(*org.User) {
	return func(u *org.User) { u.Attached = append(u.Attached, policyARN) }
}

func TestExistingPolicyIsAdoptedInPlace(t *testing.T) {
	const root, team = "arn:aws:iam::" + account + ":policy/ForceMFA", "arn:aws:iam::" + account + ":policy/team/EnforceMFA"
	tagged := other("/", "ForceMFA", byHand, wanted())
	tagged.Tags = []org.Tag{{Key: "managed-by", Value: "forcemfa"}, {Key: "forcemfa-fingerprint", Value: "x"}}
	foreign := other("/", "ForceMFA", byHand)
	foreign.Tags = []org.Tag{{Key: "managed-by", Value: "terraform"}}
	granting := strings.Replace(byHand, "iam:CreateAccessKey", "s3:GetObject", 1)
	carrier := org.Group{Name: "Staff", Path: "/", ARN: "arn:aws:iam::" + account + ":group/Staff", Attached: []string{team}}
	for _, tt := range []struct {
		name  string
		adopt string
		scene
		want  []string
		notes []string // parts of notes that the plan has
	}{
		{"it is proposed, and nobody gets an inline copy", "", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", byHand)},
			Users: []org.User{user("ada", with(root)), user("bob")}}},
			[]string{"AddUserToGroup ada ForceMFA BLOCKED the account has another policy with the name ForceMFA", "AddUserToGroup bob ForceMFA BLOCKED the account has another policy with the name ForceMFA"},
			[]string{"the policy /ForceMFA requires MFA in account 111122223333 and is not managed by forcemfa: to adopt it, plan with --adopt /ForceMFA"}},
		{"its document is replaced, and others join the group", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", byHand)},
			Users: []org.User{user("ada", with(root)), user("bob")}}},
			[]string{"UpdatePolicy ForceMFA", "CreateGroup ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup bob ForceMFA"},
			[]string{"the policy /ForceMFA is adopted in place, with its attachments, in account 111122223333", "no longer grant iam:CreateAccessKey"}},
		{"an exempt user loses it", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", byHand)},
			Users: []org.User{user("robby", workload, with(root))}}},
			[]string{"DetachUserPolicy robby ForceMFA", "UpdatePolicy ForceMFA"}, nil},
		{"another name and path, attached to a group", "/team/EnforceMFA", scene{account: org.Account{Policies: []org.Policy{other("/team/", "EnforceMFA", byHand)},
			Groups: []org.Group{carrier}, Users: []org.User{user("ada", in("Staff"))}}},
			[]string{"UpdatePolicy EnforceMFA"}, nil},
		{"another name is proposed, and the users are enforced", "", scene{account: org.Account{Policies: []org.Policy{other("/team/", "EnforceMFA", byHand)},
			Groups: []org.Group{carrier}, Users: []org.User{user("ada", in("Staff"))}}},
			[]string{"CreatePolicy ForceMFA", "CreateGroup ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup ada ForceMFA"},
			[]string{"policies that require MFA and are not managed by forcemfa: /team/EnforceMFA; --adopt takes one over"}},
		{"the tags of an earlier run are enough", "", scene{account: org.Account{Policies: []org.Policy{tagged}, Users: []org.User{user("ada", with(root))}}}, nil, nil},
		{"a policy that also grants other actions stays", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", granting)},
			Users: []org.User{user("ada", with(root))}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED it also grants s3:GetObject, which no forcemfa document grants"}, nil},
		{"a user who would be locked out keeps the old document", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", byHand)},
			Users: []org.User{user("fay", with(root), fidoOnly, noPassword)}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED also enforces fay: no sign-in path: fay has an access key, but no console password and no MFA device that generates codes"}, nil},
		{"the tag of another tool is named", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{foreign}, Users: []org.User{user("ada", with(root))}}},
			[]string{"UpdatePolicy ForceMFA"}, []string{"the tag managed-by=terraform of the policy /ForceMFA is replaced by forcemfa, and restored by rollback, in account 111122223333"}},
		{"the oldest of five versions makes room", "/ForceMFA", scene{account: org.Account{Policies: []org.Policy{other("/", "ForceMFA", byHand, "{}", "{}", "{}", byHand)},
			Users: []org.User{user("ada", with(root))}}},
			[]string{"UpdatePolicy ForceMFA"}, []string{"version v1 of /ForceMFA is deleted to make room for a new one, and restored by rollback, in account 111122223333"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.adopt != "" {
				tt.baseline = config(t, "adopt: ["+tt.adopt+"]")
			}
			p := tt.plan(t)
			if d := cmp.Diff(tt.want, lines(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, part := range tt.notes {
				if !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, part) }) {
					t.Errorf("no note has %q: %q", part, p.Notes)
				}
			}
		})
	}
}

// One run names what resolves all users of a shared step: the remedy of the first, and the
// flags for the others. Nobody is counted as enforced by a step that is blocked.
func TestASharedStepNamesTheFlagsOfAllItsUsers(t *testing.T) {
	root := "arn:aws:iam::111122223333:policy/ForceMFA"
	blocked := scene{baseline: config(t, "adopt: [/ForceMFA]"), account: org.Account{
		Policies: []org.Policy{other("/", "ForceMFA", byHand)},
		Users:    []org.User{user("ada", with(root)), user("fay", with(root), fidoOnly, noPassword), user("fred", with(root), fidoOnly, noPassword)},
	}}
	p := blocked.plan(t)
	if got, want := lines(p), []string{"UpdatePolicy ForceMFA BLOCKED also enforces fay, fred: no sign-in path: fay has an access key, but no console password and no MFA device that generates codes"}; !slices.Equal(got, want) {
		t.Fatalf("plan %q, want %q", got, want)
	}
	for _, part := range []string{"with --ack lockout:111122223333/fay;", "; resolve the others as well, or acknowledge them with --ack lockout:111122223333/fred"} {
		if !strings.Contains(p.Steps[0].Remedy, part) {
			t.Errorf("the remedy lacks %q: %s", part, p.Steps[0].Remedy)
		}
	}
	if l := slices.Concat(p.List(plan.KindThrough), p.List(plan.KindStops)); len(l) > 0 {
		t.Errorf("a blocked step affects %v", l)
	}
	blocked.account.Users = blocked.account.Users[:1]
	if got, want := blocked.plan(t).List(plan.KindThrough), []plan.Affected{{Account: "111122223333", User: "ada"}}; !slices.Equal(got, want) {
		t.Errorf("enforced through the policy: %v, want %v", got, want)
	}
}
