package rollout

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/view"
)

// deploy plan names each deployed resource that somebody changed or deleted, in a member
// account and in the management account, with the next command, which restores them. Right
// after a deployment it names none.
func TestChangedResourcesAreFindingsOfThePlan(t *testing.T) {
	ctx := t.Context()
	s := newStage(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := new(Chapter)
	must(playPlan(ctx, s, c))
	must(playDeploy(ctx, s, c))
	if found, _ := s.drift(t); len(found) > 0 {
		t.Fatalf("findings right after the deployment: %q", found)
	}

	cfg, err := s.enter(ctx, home)
	must(err)
	_, err = eventbridge.NewFromConfig(cfg).DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("forcemfa-events")})
	must(err)
	settings := s.function(home).Settings
	settings.Environment = maps.Clone(settings.Environment)
	settings.Environment["FORCEMFA_MODE"] = "off"
	must(s.lambda(ctx, home, "UpdateFunctionConfiguration", &lambdasvc.SettingsInput{FunctionName: deploy.FunctionName, Settings: settings}))
	_, err = iam.NewFromConfig(cfg).PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("ForceMFAFunction"), PolicyName: aws.String("ForceMFAFunction"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`),
	})
	must(err)
	must(s.deleteSchedule(ctx, s.box.Home))
	own, err := s.enter(ctx, s.box.Home)
	must(err)
	keys, err := own.Credentials.Retrieve(ctx)
	must(err)
	caller, err := s.box.Cloud.Caller(keys.AccessKeyID)
	must(err)
	_, err = s.box.Cloud.Do(caller, "monitoring", "DeleteAlarms", &cloudwatchsvc.DeleteAlarmsInput{AlarmNames: []string{"forcemfa-silence"}})
	must(err)

	found, text := s.drift(t)
	want := []string{
		home + ": the function forcemfa of the stack forcemfa was changed after it was deployed: Environment.Variables.FORCEMFA_MODE is off, deployed enforce",
		home + ": the role ForceMFAFunction of the stack forcemfa was changed after it was deployed: Policies differs",
		home + ": the rule forcemfa-events of the stack forcemfa was changed after it was deployed: State is DISABLED, deployed ENABLED",
		s.box.Home + ": the alarm forcemfa-silence of the stack forcemfa was deleted",
		s.box.Home + ": the rule forcemfa-schedule of the stack forcemfa was deleted",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for _, part := range []string{
		"  remedy: forcemfa deploy apply --revert-drift\n",
		"5 deployed resources were changed or deleted after the deployment. Next: forcemfa deploy apply --revert-drift\n",
		"Plan: 0 parts to change.\n",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the text of the plan lacks %q:\n%s", part, text)
		}
	}
	s.revert(t)
}

// revert restores what the plan named: the stacks of both accounts, nothing else.
func (s *stage) revert(t *testing.T) {
	t.Helper()
	d, err := s.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []deploy.Outcome
	if err := d.Revert(t.Context(), func(o deploy.Outcome) { outcomes = append(outcomes, o) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(outcomes, func(a, b deploy.Outcome) int { return strings.Compare(a.Why, b.Why) })
	want := []deploy.Outcome{
		{Kind: deploy.KindStack, Name: "forcemfa", Account: s.box.Home, Region: "us-east-1", Status: deploy.Done, Why: "resources restored: 2"},
		{Kind: deploy.KindStack, Name: "forcemfa", Account: home, Region: "us-east-1", Status: deploy.Done, Why: "resources restored: 3"},
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if found, text := s.drift(t); len(found) > 0 || strings.Contains(text, "--revert-drift") {
		t.Errorf("findings after the restoration: %q\n%s", found, text)
	}
	if mode := s.function(home).Environment["FORCEMFA_MODE"]; mode != "enforce" {
		t.Errorf("the mode of the function is %q", mode)
	}
}

// drift returns the findings about deployed resources, sorted, and the text of the plan.
func (s *stage) drift(t *testing.T) (found []string, text string) {
	t.Helper()
	d, err := s.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Findings {
		if f.Rule == "deployment-drift" {
			found = append(found, f.Account+": "+f.What)
		}
	}
	for _, gap := range p.Unread {
		if strings.HasPrefix(gap.What, "drift") {
			t.Errorf("not read: %+v", gap)
		}
	}
	slices.Sort(found)
	var out strings.Builder
	if err := p.Text(&out, view.Style{}); err != nil {
		t.Fatal(err)
	}
	return found, out.String()
}
