package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/view"
)

var chapters = []chapter{
	{"plan", "Plan the deployment", playPlan},
	{"deploy", "Deploy the bucket, the notifier, the stack of the management account and the stack set", playDeploy},
	{"schedule", "The first scheduled scan enforces MFA in every account", playSchedule},
	{"limits", "The functions and others try what they must not do", playLimits},
	{"event", "A user is created in a member account", playEvent},
	{"device", "The MFA device of a user is removed", playDevice},
	{"tampering", "Somebody removes the enforcement", playTampering},
	{"stopped", "Somebody stops the function", playStopped},
	{"account", "A new account joins an organizational unit", playAccount},
	{"outage", "Slack is down for an hour", playOutage},
	{"update", "The config file changes", playUpdate},
	{"rollback", "A run is undone from its journal in S3", playRollback},
	{"removal", "The deployment is removed", playRemoval},
}

// The accounts and users that the story is about.
const (
	home  = sample.Dev
	hired = "newhire"
)

func (s *stage) parameters() map[string]string {
	return map[string]string{"Mode": "enforce", "SlackWebhookParameter": s.secret}
}

// playPlan leaves out the accounts in which a stack cannot be created.
func playPlan(ctx context.Context, s *stage, c *Chapter) error {
	d, err := s.open(ctx, s.parameters())
	if err != nil {
		return err
	}
	p, err := d.Plan(ctx)
	if err != nil {
		return err
	}
	s.say(c, "%s to deploy, to %s", view.Count(p.Changes(), "part"), view.Count(len(s.covered()), "account"))
	for _, f := range p.Findings {
		s.say(c, "account %s (%s) is left out: %s", f.Account, f.AccountName, f.What)
		s.except = append(s.except, f.Account)
	}
	for _, gap := range p.Unread {
		s.say(c, "account %s cannot be entered from the management account; the stack set reaches it", gap.Account)
		s.closed = append(s.closed, gap.Account)
	}
	return nil
}

func playDeploy(ctx context.Context, s *stage, c *Chapter) error {
	if err := s.roll(ctx, c, s.parameters()); err != nil {
		return err
	}
	for _, id := range s.covered() {
		if s.function(id) == nil {
			return fmt.Errorf("account %s has no function", id)
		}
	}
	s.say(c, "every account has its function, rules and alarms")
	if err := s.wait(ctx, 10*time.Minute); err != nil { // alarms are evaluated within minutes
		return err
	}
	return s.expectAlarms(c, "forcemfa-silence", "ALARM", len(s.covered())) // until the first scan
}

// roll applies the deployment, and corrects policies that differ from the config, as
// deploy apply does.
func (s *stage) roll(ctx context.Context, c *Chapter, parameters map[string]string) error {
	d, err := s.open(ctx, parameters)
	if err != nil {
		return err
	}
	done := 0
	var failed []string
	err = d.Apply(ctx, func(o deploy.Outcome) {
		if o.Status == deploy.Failed || o.Status == deploy.Skipped {
			failed = append(failed, fmt.Sprintf("%s %s in account %s: %s", o.Kind, o.Name, o.Account, o.Why))
			return
		}
		done++
	})
	if err == nil && len(failed) > 0 {
		err = errors.New(strings.Join(failed, "; "))
	}
	if err != nil {
		return err
	}
	s.say(c, "deploy apply: %s done", view.Count(done, "part"))
	drifted := d.Drifted()
	if len(drifted) == 0 {
		return nil
	}
	n, err := s.correct(ctx, drifted)
	if err == nil {
		s.say(c, "account %s: the policy of an earlier rollout gets the text of the config (%s)", strings.Join(drifted, ", "), view.Count(n, "step"))
	}
	return err
}

// playSchedule waits for the schedule at noon, and for the summary after it.
func playSchedule(ctx context.Context, s *stage, c *Chapter) error {
	s.engine.Transitions()
	noon := s.box.Cloud.Now().Truncate(24 * time.Hour).Add(12 * time.Hour)
	if noon.Before(s.box.Cloud.Now().Add(time.Minute)) {
		noon = noon.Add(24 * time.Hour)
	}
	if err := s.engine.Run(ctx, noon.Add(15*time.Minute)); err != nil {
		return err
	}
	posts, err := s.messages()
	if err != nil {
		return err
	}
	var unexplained []string
	for _, id := range s.covered() {
		counts := s.counts(id)
		s.say(c, "account %s: %d of %d users enforced, %d exempt", id, counts[audit.Enforced], len(s.states(id)), counts[audit.Exempt])
		if counts[audit.Enforced] == 0 && len(s.states(id)) > counts[audit.Exempt] {
			return fmt.Errorf("no user of account %s is enforced", id)
		}
		for _, user := range s.unenforced(id) {
			if !mentioned(posts, id, user) {
				unexplained = append(unexplained, id+"/"+user)
			}
		}
	}
	if len(unexplained) > 0 {
		return fmt.Errorf("not enforced, and Slack does not say why: %s", strings.Join(unexplained, ", "))
	}
	s.say(c, "Slack: %s, each in valid Block Kit; they name every user who is not enforced, with the reason", view.Count(len(posts), "message"))
	return s.expectAlarms(c, "forcemfa-silence", "OK", len(s.covered()))
}

func playEvent(ctx context.Context, s *stage, c *Chapter) error {
	if err := s.hire(ctx, c, home, hired); err != nil {
		return err
	}
	return s.expectMessage(ctx, c, 12*time.Minute, hired, "MFA enforced for "+hired)
}

// hire creates a user and waits until MFA is enforced.
func (s *stage) hire(ctx context.Context, c *Chapter, account, name string) error {
	client, err := s.iam(ctx, account)
	if err != nil {
		return err
	}
	if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		return err
	}
	s.say(c, "the user %s is created in %s", name, s.called(account))
	return s.expectEnforced(ctx, c, account, name, time.Minute)
}

// playDevice deactivates the device of an enforced user.
func playDevice(ctx context.Context, s *stage, c *Chapter) error {
	name, serial := s.enrolled(home)
	if name == "" {
		return fmt.Errorf("no enforced user of account %s has an MFA device", home)
	}
	client, err := s.iam(ctx, home)
	if err != nil {
		return err
	}
	if _, err := client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &name, SerialNumber: &serial}); err != nil {
		return err
	}
	s.say(c, "the MFA device of %s is deactivated in account %s", name, home)
	if err := s.expectMessage(ctx, c, 2*time.Minute, name, "was deactivated"); err != nil {
		return err
	}
	return s.expectEnforced(ctx, c, home, name, 0)
}

func playTampering(ctx context.Context, s *stage, c *Chapter) error {
	client, err := s.iam(ctx, home)
	if err != nil {
		return err
	}
	policy := baseline.PolicyARN("aws", home)
	if _, err := client.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: aws.String(baseline.GroupName), PolicyArn: &policy}); err != nil {
		return err
	}
	s.say(c, "the policy is detached from the group in account %s", home)
	if err := s.expectEnforced(ctx, c, home, hired, time.Minute); err != nil {
		return err
	}
	if err := s.expectMessage(ctx, c, 2*time.Minute, "ForceMFA was detached"); err != nil {
		return err
	}
	if _, err := client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String(baseline.GroupName), UserName: aws.String(hired)}); err != nil {
		return err
	}
	s.say(c, "%s is removed from the group", hired)
	if err := s.expectEnforced(ctx, c, home, hired, time.Minute); err != nil {
		return err
	}
	return s.expectMessage(ctx, c, 2*time.Minute, hired, "was removed from the group")
}

// playStopped disables the schedule, and then takes the concurrency of the function away.
func playStopped(ctx context.Context, s *stage, c *Chapter) error {
	cfg, err := s.enter(ctx, home)
	if err != nil {
		return err
	}
	rules, rule := eventbridge.NewFromConfig(cfg), aws.String("forcemfa-schedule")
	if _, err := rules.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: rule}); err != nil {
		return err
	}
	s.say(c, "the rule forcemfa-schedule is disabled in account %s", home)
	if err := s.expectMessage(ctx, c, 2*time.Minute, "the rule forcemfa-schedule was disabled", "aws events enable-rule"); err != nil {
		return err
	}
	s.engine.Transitions()
	if err := s.wait(ctx, 49*time.Hour); err != nil {
		return err
	}
	if err := s.expectAlarms(c, "forcemfa-silence", "ALARM", 1); err != nil {
		return err
	}
	if _, err := rules.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: rule}); err != nil {
		return err
	}
	if _, err := s.messages(); err != nil {
		return err
	}
	if err := s.lambda(ctx, home, "PutFunctionConcurrency", &lambdasvc.ConcurrencyInput{FunctionName: deploy.FunctionName}); err != nil {
		return err
	}
	s.say(c, "the function in account %s gets no concurrency: it is stopped", home)
	if err := s.wait(ctx, time.Hour); err != nil {
		return err
	}
	if err := s.lambda(ctx, home, "DeleteFunctionConcurrency", &lambdasvc.FunctionInput{FunctionName: deploy.FunctionName}); err != nil {
		return err
	}
	s.say(c, "an hour later the function may run again, and gets the event that waited")
	return s.expectMessage(ctx, c, 10*time.Minute, "the concurrency of the function forcemfa was changed")
}

func playAccount(ctx context.Context, s *stage, c *Chapter) error {
	cfg, err := s.enter(ctx, s.box.Home)
	if err != nil {
		return err
	}
	client := organizations.NewFromConfig(cfg)
	made, err := client.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("new-team"), Email: aws.String("aws+new-team@example.com")})
	if err != nil {
		return err
	}
	status, err := client.DescribeCreateAccountStatus(ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: made.CreateAccountStatus.Id})
	if err != nil {
		return err
	}
	id := aws.ToString(status.CreateAccountStatus.AccountId)
	s.joined = id
	root, unit := s.place(id)
	if _, err := client.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: &id, SourceParentId: &root, DestinationParentId: &unit}); err != nil {
		return err
	}
	s.say(c, "the account new-team is created and moved to %s", unit)
	if err := s.until(ctx, 10*time.Minute, func() bool { return s.function(id) != nil }); err != nil {
		return err
	}
	if s.function(id) == nil {
		return fmt.Errorf("account %s has no function: %s", id, s.instanceOf(id))
	}
	s.say(c, "the stack set has deployed the function to it")
	if s.fleet, err = s.newFleet(); err != nil {
		return err
	}
	return s.hire(ctx, c, id, "first-user")
}

// playOutage makes changes in two accounts while Slack is down. Each must be in exactly
// one message afterwards.
func playOutage(ctx context.Context, s *stage, c *Chapter) error {
	if err := s.wait(ctx, 11*time.Minute); err != nil {
		return err
	}
	if _, err := s.messages(); err != nil {
		return err
	}
	s.slack.setDown(true)
	s.say(c, "Slack answers with status 503")
	accounts := map[string]string{"outage-one": home, "outage-two": sample.Prod}
	for _, name := range []string{"outage-one", "outage-two"} {
		if err := s.hire(ctx, c, accounts[name], name); err != nil {
			return err
		}
	}
	client, err := s.iam(ctx, home)
	if err != nil {
		return err
	}
	if _, err := client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String(baseline.GroupName), UserName: aws.String("outage-one")}); err != nil {
		return err
	}
	s.say(c, "outage-one is removed from the group")
	if err := s.wait(ctx, time.Hour); err != nil {
		return err
	}
	if n := len(s.slack.taken()); n > 0 {
		return fmt.Errorf("%d messages arrived while Slack was down", n)
	}
	s.slack.setDown(false)
	s.say(c, "Slack is back")
	if err := s.wait(ctx, time.Hour); err != nil {
		return err
	}
	posts, err := s.messages()
	if err != nil {
		return err
	}
	for _, text := range []string{"MFA enforced for outage-one", "MFA enforced for outage-two", "outage-one was removed from the group"} {
		if n := times(posts, text); n != wanted[text] {
			return fmt.Errorf("message %q arrived %d times in Slack, not %d", text, n, wanted[text])
		}
	}
	s.say(c, "Slack: each of the 4 messages arrived once, in %s", view.Count(len(posts), "post"))
	return nil
}

// wanted is how often each message of the outage is expected: outage-one is enforced
// twice.
var wanted = map[string]int{"MFA enforced for outage-one": 2, "MFA enforced for outage-two": 1, "outage-one was removed from the group": 1}

// playUpdate deploys another config file, which exempts one more user.
func playUpdate(ctx context.Context, s *stage, c *Chapter) error {
	const exemption = "exemptions:\n  - match: {name: first-user}\n    owner: platform@example.com\n    reason: an example of the rehearsal\n    expires: 2036-12-31\n"
	text := strings.Replace(string(s.Config), "exemptions:\n", exemption, 1)
	b, err := baseline.Parse("forcemfa.yaml", []byte(text))
	if err != nil {
		return err
	}
	s.Baseline, s.Config = b, []byte(text)
	s.say(c, "the config file exempts one more user")
	if err := s.roll(ctx, c, nil); err != nil {
		return err
	}
	want := s.function(s.box.Home).Environment["FORCEMFA_CONFIG_HASH"]
	for _, id := range s.covered() {
		if got := s.function(id).Environment["FORCEMFA_CONFIG_HASH"]; got != want {
			return fmt.Errorf("the function of account %s has the config %s, not %s", id, got, want)
		}
	}
	s.engine.Transitions()
	if err := s.wait(ctx, 25*time.Hour); err != nil {
		return err
	}
	for _, t := range s.engine.Transitions() {
		if t.Name == "forcemfa-config" && t.To == "ALARM" {
			return fmt.Errorf("account %s reports a config that is not the deployed one", t.Account)
		}
	}
	if _, err := s.messages(); err != nil {
		return err
	}
	s.say(c, "every function runs with the new config")
	return nil
}

// enrolled returns an enforced user with a virtual MFA device.
func (s *stage) enrolled(account string) (name, serial string) {
	states := s.states(account)
	s.box.Cloud.View(func(w *world.World) {
		a := w.Account(account)
		for _, d := range a.Devices {
			u := a.Users[d.User]
			if u != nil && states[u.Name] == audit.Enforced && d.Kind.GivesCodes() && (name == "" || u.Name < name) {
				name, serial = u.Name, d.Serial
			}
		}
	})
	return name, serial
}

// times counts the messages that contain a text.
func times(posts []post, text string) (n int) {
	for _, p := range posts {
		_, body, _ := strings.Cut(p.text, "\n") // the first line repeats the headline
		n += strings.Count(body, text)
	}
	return n
}

// mentioned reports whether a message names a user of an account.
func mentioned(posts []post, account, user string) bool {
	return slices.ContainsFunc(posts, func(p post) bool { return strings.Contains(p.text, account) && strings.Contains(p.text, user) })
}
