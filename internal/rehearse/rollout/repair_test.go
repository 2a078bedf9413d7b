package rollout

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/testdepth"
)

// A rule, a target and a function that somebody deleted come back when the stack is
// deleted before deploy apply, as docs/deploy.md says. deploy apply alone does not restore
// them. Users stay enforced in the meantime.
func TestDeletedPartsComeBackWithTheirStack(t *testing.T) {
	testdepth.Need(t)
	ctx := t.Context()
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Options: Options{Config: sample.Config(), Program: program}, box: box}
	if s.Baseline, err = box.Baseline(); err != nil {
		t.Fatal(err)
	}
	if err := s.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	c := new(Chapter)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, play := range []func(context.Context, *stage, *Chapter) error{playPlan, playDeploy, playSchedule, playEvent} {
		must(play(ctx, s, c))
	}
	accounts := []string{home, box.Home}
	for _, account := range accounts {
		must(s.deleteSchedule(ctx, account))
	}
	must(s.expectMessage(ctx, c, 2*time.Minute, "the rule forcemfa-schedule was deleted", "delete the stack of this account and run forcemfa deploy apply"))
	for _, account := range accounts {
		must(s.lambda(ctx, account, "DeleteFunction", &lambdasvc.FunctionInput{FunctionName: deploy.FunctionName}))
	}
	must(s.roll(ctx, c, nil))
	for _, account := range accounts {
		if s.function(account) != nil || s.scheduled(account) {
			t.Errorf("deploy apply alone restores account %s: correct the remedy and the page", account)
		}
	}
	must(s.deleteStacks(ctx, home))
	must(s.expectEnforced(ctx, c, home, hired, 0))
	must(s.roll(ctx, c, nil))
	for _, account := range accounts {
		if s.function(account) == nil || !s.scheduled(account) {
			t.Errorf("account %s has no function or schedule after its stack was created again: %s", account, s.instanceOf(account))
		}
	}
	must(s.hire(ctx, c, home, "second-hire"))
}

// deleteSchedule deletes the rule that starts the function every day, and its targets.
func (s *stage) deleteSchedule(ctx context.Context, account string) error {
	cfg, err := s.enter(ctx, account)
	if err != nil {
		return err
	}
	client, rule := eventbridge.NewFromConfig(cfg), aws.String("forcemfa-schedule")
	targets, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: rule})
	if err != nil {
		return err
	}
	var ids []string
	for _, target := range targets.Targets {
		ids = append(ids, *target.Id)
	}
	if _, err := client.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: rule, Ids: ids}); err != nil {
		return err
	}
	_, err = client.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: rule})
	return err
}

// scheduled reports whether an account has the rule that starts the function every day.
func (s *stage) scheduled(account string) (there bool) {
	s.box.Cloud.View(func(w *world.World) {
		for _, rule := range world.List[*eventssvc.Rule](w.Account(account)) {
			there = there || rule.Name == "forcemfa-schedule"
		}
	})
	return there
}

// deleteStacks deletes the stack of a member account and that of the management account,
// with the calls of docs/deploy.md.
func (s *stage) deleteStacks(ctx context.Context, member string) error {
	cfg, err := s.enter(ctx, s.box.Home)
	if err != nil {
		return err
	}
	client, name := cloudformation.NewFromConfig(cfg), aws.String("forcemfa")
	var root string
	s.box.Cloud.View(func(w *world.World) { root = w.Organization.Units[0].ID })
	_, err = client.DeleteStackInstances(ctx, &cloudformation.DeleteStackInstancesInput{
		StackSetName: name, Regions: []string{s.box.Config.Region}, RetainStacks: aws.Bool(false),
		DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: []string{root}, Accounts: []string{member}, AccountFilterType: types.AccountFilterTypeIntersection},
	})
	if err != nil {
		return err
	}
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: name}); err != nil {
		return err
	}
	return s.wait(ctx, 10*time.Minute)
}
