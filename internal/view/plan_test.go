package view

import (
	"strings"
	"testing"

	"forcemfa/internal/plan"
)

func TestAPlanShowsWhatIsMadeChangedTakenAwayAndBlocked(t *testing.T) {
	there := plan.State{Present: true}
	p := &plan.Plan{
		Notes: []string{"no config file"},
		Steps: []plan.Step{
			{Op: plan.CreateGroup, Account: "111111111111", Subject: "group/ForceMFA", Want: there},
			{Op: plan.UpdatePolicy, Account: "111111111111", Subject: "policy/ForceMFA", Expect: there, Want: there},
			{Op: plan.TagUser, Account: "222222222222", Subject: "user/dave", Object: "forcemfa-enrollment", Want: plan.State{Present: true, Value: "2026-11-30"}},
			{Op: plan.RemoveUserFromGroup, Account: "222222222222", Subject: "user/ci", Object: "ForceMFA", Expect: there},
			{Op: plan.AddUserToGroup, Account: "222222222222", Subject: "user/eve", Object: "ForceMFA", Want: there, Blocked: "eve would be locked out", Remedy: "give eve a login profile"},
		},
	}
	var out strings.Builder
	Plan(&out, Style{}, p)
	assertText(t, out.String(), `
note: no config file

111111111111
  + CreateGroup group/ForceMFA
  ~ UpdatePolicy policy/ForceMFA

222222222222
  + TagUser user/dave forcemfa-enrollment = 2026-11-30
  - RemoveUserFromGroup user/ci ForceMFA
  ! AddUserToGroup user/eve ForceMFA
      blocked: eve would be locked out
      remedy: give eve a login profile

Plan: 4 steps in 2 accounts, 1 blocked.
`)
}

// Steps that are blocked for the same reason share it, and a step that needs a blocked
// one names that one without repeating its remedy.
func TestABlockedPlanGivesEachRemedyOnce(t *testing.T) {
	there := plan.State{Present: true}
	policy := plan.NewStep(plan.UpdatePolicy, "111111111111", "policy/ForceMFA", "", there, there)
	policy.Block("also enforces dave", "exempt dave; or acknowledge with --ack breaks-workload:111111111111/dave")
	attachment := plan.NewStep(plan.AttachGroupPolicy, "111111111111", "group/ForceMFA", "policy/ForceMFA", plan.State{}, there)
	attachment.Needs = plan.IDs(&policy)
	attachment.BlockBy(&policy)
	steps := []plan.Step{policy, attachment}
	for _, user := range []string{"ann", "bob"} {
		s := plan.NewStep(plan.AddUserToGroup, "111111111111", "arn:aws:iam::111111111111:user/"+user, "ForceMFA", plan.State{}, there)
		s.Needs = plan.IDs(&attachment)
		s.BlockBy(&attachment)
		steps = append(steps, s)
	}
	for _, user := range []string{"ann", "bob"} {
		s := plan.NewStep(plan.AddUserToGroup, "222222222222", "arn:aws:iam::222222222222:user/"+user, "ForceMFA", plan.State{}, there)
		s.Block("the account has another policy with the name ForceMFA", "plan with --adopt /ForceMFA")
		steps = append(steps, s)
	}
	p := &plan.Plan{Steps: steps}
	var out strings.Builder
	Plan(&out, Style{}, p)
	assertText(t, out.String(), `

111111111111
  ! UpdatePolicy policy/ForceMFA
      blocked: also enforces dave
      remedy: exempt dave; or acknowledge with --ack breaks-workload:111111111111/dave
  ! AttachGroupPolicy group/ForceMFA policy/ForceMFA
  ! AddUserToGroup arn:aws:iam::111111111111:user/ann ForceMFA
  ! AddUserToGroup arn:aws:iam::111111111111:user/bob ForceMFA
      blocked: needs UpdatePolicy policy/ForceMFA, which is blocked

222222222222
  ! AddUserToGroup arn:aws:iam::222222222222:user/ann ForceMFA
  ! AddUserToGroup arn:aws:iam::222222222222:user/bob ForceMFA
      blocked: the account has another policy with the name ForceMFA
      remedy: plan with --adopt /ForceMFA

Plan: 0 steps in 0 accounts, 6 blocked.
`)
	var guards []string
	for _, g := range blockedGroups(p) {
		guards = append(guards, g.guard+": "+strings.Join(g.users, " "))
	}
	assertText(t, strings.Join(guards, "\n"), `breaks-workload: 111111111111/UpdatePolicy
needs a blocked step: 111111111111/AttachGroupPolicy 111111111111/ann 111111111111/bob
not possible: 222222222222/ann 222222222222/bob`)
}

func TestOneChangeIsWrittenInTheSingular(t *testing.T) {
	a := accountSteps{ops: map[string]int{"policy": 1, "users added": 1, "windows opened": 1, "trust policies": 1, "other changes": 1, "attached": 1}}
	if got, want := a.words(), "policy, 1 user added, 1 attached, 1 window opened, 1 trust policy, 1 other change"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADocumentIsComparedByStatement(t *testing.T) {
	before := `{"Version":"2012-10-17","Statement":[
		{"Sid":"Same","Effect":"Allow","Action":"iam:GetUser","Resource":"*"},
		{"Sid":"Deny","Effect":"Deny","NotAction":["iam:GetUser"],"Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}},
		{"Sid":"Old","Effect":"Allow","Action":["s3:*"],"Resource":"*"}]}`
	after := `{"Version":"2012-10-17","Statement":[
		{"Sid":"Same","Effect":"Allow","Action":["iam:GetUser"],"Resource":"*"},
		{"Sid":"Deny","Effect":"Deny","NotAction":["iam:GetUser"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},
		{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}`
	var got strings.Builder
	for _, line := range Difference(before, after) {
		got.WriteString(string(line.Mark) + " " + line.Text + "\n")
	}
	assertText(t, got.String(), `
  Allow Same (unchanged)
~ Deny Deny
-   Condition: Bool aws:MultiFactorAuthPresent false
+   Condition: BoolIfExists aws:MultiFactorAuthPresent false
+ Deny statement 3
+   Action: sts:*
+   Resource: *
- Allow Old
-   Action: s3:*
-   Resource: *
`)
	if lines := Difference("not JSON", after); len(lines) != 2 || lines[0].Mark != '-' || lines[1].Mark != '+' {
		t.Errorf("a document that is no policy: %v", lines)
	}
}

func TestAPlanReportShowsWholeListsOnRequest(t *testing.T) {
	p := &plan.Plan{Lists: []plan.List{{Kind: plan.KindStops, What: "stops working without MFA"}}}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		p.Lists[0].Users = append(p.Lists[0].Users, plan.Affected{Account: "111111111111", User: name, Why: "an SSH key"})
	}
	for verbose, want := range map[bool]string{false: "111111111111/e (an SSH key) and 2 more\n", true: "111111111111/g (an SSH key)\n"} {
		var out strings.Builder
		if err := (&PlanReport{Plan: p, Verbose: verbose}).Text(&out, Style{}); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("verbose %v: %v, no %q in\n%s", verbose, err, want, out.String())
		}
	}
}
