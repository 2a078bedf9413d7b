package iac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/iac"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/testclients"
)

const (
	account   = "111122223333"
	policyARN = "arn:aws:iam::" + account + ":policy/forcemfa/ForceMFA"
	groupARN  = "arn:aws:iam::" + account + ":group/forcemfa/ForceMFA"
	target    = "r-ab12"
)

var (
	scpARN  = document.SCPARN("aws", account, "o-example", document.GuardName)
	present = plan.State{Present: true}
	absent  = plan.State{}
)

func user(name string) string { return "arn:aws:iam::" + account + ":user/" + name }

func step(op plan.Op, subject, object string, want plan.State) plan.Step {
	return plan.NewStep(op, account, subject, object, plan.State{Present: !want.Present}, want)
}

func with(document string) plan.State { return plan.State{Present: true, Document: document} }

// configured is a baseline with trust policies.
func configured(t testing.TB) *baseline.Baseline {
	t.Helper()
	b := *baseline.Default()
	b.Trust.MFA = true
	return &b
}

// everyKind is a plan with a step for each kind of resource.
func everyKind(b *baseline.Baseline) *plan.Plan {
	denies := b.DenyDocument("aws")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	scp := `{"Version":"2012-10-17","Statement":[{"Sid":"X","Effect":"Deny","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"}]}`
	return &plan.Plan{Steps: []plan.Step{
		step(plan.CreatePolicy, policyARN, "", with(b.Document("aws"))),
		step(plan.CreateGroup, groupARN, "", present),
		step(plan.AttachGroupPolicy, groupARN, policyARN, present),
		step(plan.AttachGroupPolicy, "arn:aws:iam::"+account+":group/ops/Ops", policyARN, present),
		step(plan.AddUserToGroup, user("team/ana"), "ForceMFA", present),
		step(plan.AttachUserPolicy, user("bob"), policyARN, present),
		step(plan.PutUserPolicy, user("eve"), "ForceMFA", with(denies)),
		step(plan.PutUserPolicy, user("finn+ci=1"), "ForceMFA", with(b.Document("aws"))),
		step(plan.UpdateTrust, "arn:aws:iam::"+account+":role/teams/Deploy", "", with(trust)),
		step(plan.UpdateTrust, "arn:aws:iam::"+account+":role/a.b@c", "", with(trust)),
		step(plan.CreateSCP, scpARN, "", with(scp)),
		step(plan.AttachSCP, scpARN, target, present),
	}}
}

func header() *org.Header {
	return &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-example", ManagementAccount: account}, Units: []org.Unit{{ID: target}}}
}

func units(t *testing.T, a *org.Account, p *plan.Plan) (*iac.Wanted, []*iac.Unit) {
	t.Helper()
	w := iac.New(header(), configured(t), time.Time{})
	w.Add(a)
	return w, w.Apply(p, true)
}

func emptyAccount() *org.Account {
	return &org.Account{ID: account, Name: "Acme \"prod\"\n\u009b2J\u202e", Partition: "aws", Read: true}
}

func TestEveryKindOfResourceIsWritten(t *testing.T) {
	w, all := units(t, emptyAccount(), everyKind(configured(t)))
	if len(w.Held) > 0 || len(all) != 2 {
		t.Fatalf("held %v, %d units", w.Held, len(all))
	}
	organization, member := all[0], all[1]
	for text, words := range map[string][]string{
		string(iac.Terraform(organization)): {`resource "aws_organizations_policy" "forcemfaguard"`, `resource "aws_organizations_policy_attachment" "forcemfaguard"`, `user/$${aws:username}`, `"r-ab12"`},
		string(iac.Terraform(member)): {
			`resource "aws_iam_policy" "forcemfa"`, `resource "aws_iam_group" "forcemfa"`, `resource "aws_iam_group_policy_attachment" "forcemfa"`,
			`resource "aws_iam_group_policy_attachment" "groups"`, `resource "aws_iam_user_group_membership" "forcemfa"`, `resource "aws_iam_user_policy_attachment" "forcemfa"`,
			`resource "aws_iam_user_policy" "forcemfa"`, `resource "aws_iam_user_policy" "forcemfa_2"`, `resource "aws_iam_role" "Deploy"`, `resource "aws_iam_role" "role_1_a_b_c"`, `"finn+ci=1"`, `(Acme "prod" ?2J?)`,
		},
		string(iac.CloudFormation(organization)): {`"AWS::Organizations::Policy"`, `"TargetIds"`},
		string(iac.CloudFormation(member)):       {`"AWS::IAM::ManagedPolicy"`, `"AWS::IAM::Group"`, `"AWS::IAM::UserToGroupAddition"`, `"AWS::IAM::UserPolicy"`, `"Groups": [`, `"Users": [`, `"Ref": "Policy"`},
	} {
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s is missing in:\n%s", word, text)
			}
		}
	}
	if d := iac.TrustDocuments(member); len(d) != 2 || !json.Valid(d["Deploy"]) {
		t.Errorf("trust documents: %v", d)
	}
}

// reordered is a document with its members in the order of their names.
func reordered(t *testing.T, document string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil || string(text) == document {
		t.Fatalf("%v, %s", err, text)
	}
	return string(text)
}

// After the plan was made, the same resources are exported, as existing ones.
func TestExportingAgainGivesTheSameResources(t *testing.T) {
	p := everyKind(configured(t))
	_, before := units(t, emptyAccount(), p)
	a := emptyAccount()
	doc := func(op plan.Op, subject string) string {
		i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == op && s.Subject == subject })
		return p.Steps[i].Want.Document
	}
	inline := func(subject string) []org.InlinePolicy {
		return []org.InlinePolicy{{Name: "ForceMFA", Document: doc(plan.PutUserPolicy, subject)}}
	}
	a.Policies = []org.Policy{{ARN: policyARN, Name: "ForceMFA", Default: "v1", Versions: []org.Version{{ID: "v1", Document: reordered(t, doc(plan.CreatePolicy, policyARN))}}}}
	a.Groups = []org.Group{{Name: "ForceMFA", ARN: groupARN, Attached: []string{policyARN}}, {Name: "Ops", ARN: "arn:aws:iam::" + account + ":group/ops/Ops", Attached: []string{policyARN}}}
	a.Users = []org.User{
		{Name: "ana", ARN: user("team/ana"), Groups: []string{"ForceMFA"}}, {Name: "bob", ARN: user("bob"), Attached: []string{policyARN}},
		{Name: "eve", ARN: user("eve"), Inline: inline(user("eve"))}, {Name: "finn+ci=1", ARN: user("finn+ci=1"), Inline: inline(user("finn+ci=1"))},
	}
	for _, r := range before[1].Of(iac.Trust) {
		a.Roles = append(a.Roles, org.Role{Name: r.Name(), ARN: r.Subject, Trust: r.Document})
	}
	a.Roles = append(a.Roles, org.Role{Name: "Service", ARN: "arn:aws:iam::" + account + ":role/Service", Trust: `{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`})
	_, after := units(t, a, &plan.Plan{})
	want := slices.Clone(before[1].Resources)
	for i := range want {
		want[i].Exists = true
	}
	if d := cmp.Diff(want, after[len(after)-1].Resources); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	if text := string(iac.Terraform(after[len(after)-1])); strings.Count(text, "import {") != 10 {
		t.Errorf("%d imports:\n%s", strings.Count(text, "import {"), text)
	}
}

func TestWhatAPipelineCannotMakeIsHeld(t *testing.T) {
	tag := step(plan.TagUser, user("dan"), "forcemfa-enrollment", plan.State{Present: true, Value: "2026-12-01"})
	add := step(plan.AddUserToGroup, user("dan"), "ForceMFA", present)
	add.Needs = []string{tag.ID}
	blocked := step(plan.AddUserToGroup, user("eve"), "ForceMFA", present)
	blocked.Block("no sign-in path", "")
	a := emptyAccount()
	a.Groups = []org.Group{{Name: "ForceMFA", ARN: groupARN}}
	a.Users = []org.User{{Name: "gil", ARN: user("gil"), Groups: []string{"ForceMFA"}}}
	gone := step(plan.RemoveUserFromGroup, user("gil"), "ForceMFA", absent)
	w, all := units(t, a, &plan.Plan{Steps: []plan.Step{tag, add, blocked, gone}})
	want := []iac.Held{
		{tag.ID, "a tag of a user can only be set by code that manages the user: set forcemfa-enrollment=2026-12-01 there"},
		{add.ID, "needs " + tag.ID + ", which is left out"},
		{blocked.ID, "no sign-in path"},
	}
	if d := cmp.Diff(want, w.Held); d != "" {
		t.Errorf("held (-want +got):\n%s", d)
	}
	if len(w.Removed) != 1 || w.Removed[0].Subject != user("gil") || len(all[0].Of(iac.Membership)) != 0 {
		t.Errorf("removed %v, left %v", w.Removed, all[0].Resources)
	}
}

// A run over some accounts, or one that could not list the organization, does not know
// all targets of service control policies: files without them would detach them.
func TestServiceControlPoliciesNeedTheWholeOrganization(t *testing.T) {
	w := iac.New(header(), configured(t), time.Time{})
	w.Add(emptyAccount())
	unread := emptyAccount()
	unread.ID, unread.Read = "444455556666", false
	w.Add(unread)
	all := w.Apply(everyKind(configured(t)), false)
	if len(all) != 1 || all[0].ID != account || len(w.Held) != 2 {
		t.Errorf("%d units, held %v", len(all), w.Held)
	}
}

// Names and documents are chosen so that a formatter that looks at the ends of lines
// could mistake them for brackets and arguments.
func TestFilesAreFormattedAsTerraformFormatsThem(t *testing.T) {
	p := everyKind(configured(t))
	const document = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"a = b {\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"${aws:username} %{if}\"}]}"
	p.Steps = append(p.Steps,
		step(plan.PutUserPolicy, user("a=b"), "ForceMFA", with(document)),
		step(plan.AddUserToGroup, user("team/=,.@-"), "ForceMFA", present))
	a := emptyAccount()
	a.Name = "x = [y] {"
	_, all := units(t, a, p)
	for n := range 3 {
		for _, u := range all {
			for i := range u.Resources {
				u.Resources[i].Exists, u.Resources[i].ID = n > 0 && i%n == 0, "p-example1"
			}
			got := string(iac.Terraform(u))
			if d := cmp.Diff(string(hclwrite.Format([]byte(got))), got); d != "" {
				t.Errorf("(-terraform fmt +got):\n%s", d)
			}
		}
	}
}

func TestTerraformAcceptsEveryKindOfResource(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "terraform")
	_, all := units(t, emptyAccount(), everyKind(configured(t)))
	dir := t.TempDir()
	terraform := func(args ...string) {
		t.Helper()
		c := testclients.Command(t, "terraform", args...)
		c.Dir = dir
		c.Env = append(testclients.Environment(), "HOME="+dir)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
	for n, u := range all {
		for i := range u.Resources {
			u.Resources[i].Exists, u.Resources[i].ID = i%2 == 0, "p-example1" // with and without imports
		}
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), iac.Terraform(u), 0o600); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			terraform("init", "-plugin-dir="+testclients.TerraformPlugins(), "-input=false", "-no-color")
		}
		terraform("fmt", "-check", "-diff", "-no-color")
		terraform("validate", "-no-color")
	}
}

func TestCfnLintAcceptsEveryKindOfResource(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "cfn-lint")
	_, all := units(t, emptyAccount(), everyKind(configured(t)))
	dir := t.TempDir()
	args := []string{"-f", "parseable"}
	for _, u := range append(all, &iac.Unit{ID: account}) {
		name := filepath.Join(dir, u.ID+".json")
		if u.Resources == nil {
			name = filepath.Join(dir, "empty.json")
		}
		if err := os.WriteFile(name, iac.CloudFormation(u), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-t", name)
	}
	c := testclients.Command(t, "cfn-lint", args...)
	c.Env = append(testclients.Environment(), "HOME="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
