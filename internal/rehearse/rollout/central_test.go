package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/central"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/rehearse"
)

// newStage is the sample organization before a deployment.
func newStage(t *testing.T) *stage {
	t.Helper()
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Options: Options{Config: sample.Config(), Program: program}, box: box}
	if s.Baseline, err = box.Baseline(); err != nil {
		t.Fatal(err)
	}
	if err := s.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// central opens the deployment with one function for all accounts.
func (s *stage) central(t *testing.T, parameters map[string]string) *deploy.Deployment {
	t.Helper()
	pkg, err := deploy.Pack(deploy.Placeholder(deploy.ARM64), s.Config, deploy.ARM64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.New(s.box.Config, fleet.Options{Rate: -1, Now: s.box.Cloud.Now, NotAccounts: s.except})
	if err != nil {
		t.Fatal(err)
	}
	d, err := deploy.Open(t.Context(), f, deploy.Options{
		Baseline: s.Baseline, Package: pkg, Parameters: parameters, Except: s.except, Central: true, Template: s.Template, Now: s.box.Cloud.Now, Sleep: s.wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// applied applies or removes a deployment, and fails the test unless all parts succeed.
func applied(t *testing.T, do func(context.Context, func(deploy.Outcome)) error) {
	t.Helper()
	if err := do(t.Context(), func(o deploy.Outcome) {
		if o.Status == deploy.Failed || o.Status == deploy.Skipped {
			t.Errorf("%s %s in account %s: %s %s", o.Kind, o.Name, o.Account, o.Status, o.Why)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// One function in one account keeps the users of all accounts behind MFA.
func TestOneCentralFunctionEnforcesInEveryAccount(t *testing.T) {
	s := newStage(t)
	ctx := t.Context()
	c := new(Chapter)
	if err := playPlan(ctx, s, c); err != nil { // finds the accounts that cannot have a stack
		t.Fatal(err)
	}
	parameters := map[string]string{"Mode": "enforce", "SlackWebhookParameter": s.secret}
	d := s.central(t, parameters)
	p, err := d.Plan(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Parts) != 5 || p.Changes() < 5 {
		t.Errorf("%d parts to change, want bucket, object, the central stack, the stack of the management account and the stack set: %+v", p.Changes(), p.Parts)
	}
	applied(t, d.Apply)
	if p, err = s.central(t, nil).Plan(ctx); err != nil || slices.ContainsFunc(p.Parts, func(c deploy.Change) bool { return c.Action != deploy.None }) {
		t.Errorf("a second plan is not empty: %v %+v", err, p.Parts)
	}
	for _, id := range s.covered() {
		if s.function(id) != nil {
			t.Errorf("account %s has a function of its own", id)
		}
	}
	if err := s.wait(ctx, 30*time.Hour); err != nil { // the next scheduled run is over
		t.Fatal(err)
	}
	enforcing := 0
	for _, id := range s.covered() {
		if n := s.counts(id)[audit.Enforced]; n > 0 {
			enforcing++
		}
	}
	if enforcing < 3 {
		t.Errorf("MFA is enforced in %d accounts of %v", enforcing, s.covered())
	}
	got := s.lastSummary(t)
	if want := s.covered(); got.Accounts != len(want) || got.Read != len(want) || got.Unread != 0 {
		t.Errorf("accounts in the summary %+v, want %v", got, want)
	}
	posts, err := s.messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range s.covered() {
		for _, user := range s.unenforced(id) {
			if !mentioned(posts, id, user) {
				t.Errorf("%s/%s is not enforced, and no message says why", id, user)
			}
		}
	}

	s.comesBack(t)
	s.stops(t)
	s.leavesNothing(t)
}

// A delegated administrator deploys the function into its own account. The management account
// cannot be entered from there: the run reports it until a stack with the role is deployed there.
func TestADelegatedAdministratorDeploysTheCentralFunction(t *testing.T) {
	s := newStage(t)
	ctx := t.Context()
	if err := playPlan(ctx, s, new(Chapter)); err != nil {
		t.Fatal(err)
	}
	cfg, err := s.enter(ctx, sample.Identity)
	if err != nil {
		t.Fatal(err)
	}
	// It has the policy already, which cannot be seen from the delegated administrator.
	s.except = append(s.except, sample.Staging)
	management := s.box.Home
	s.box.Config, s.box.Home = cfg, sample.Identity
	d := s.central(t, map[string]string{"Mode": "enforce"})
	if notes := strings.Join(d.Notes(), "\n"); !strings.Contains(notes, "forcemfa deploy template central-member, with CentralRole=arn:aws:iam::"+sample.Identity+":role/forcemfa/ForceMFACentral") {
		t.Errorf("the notes do not say what to do in the management account: %s", notes)
	}
	applied(t, d.Apply)
	if err := s.wait(ctx, 30*time.Hour); err != nil {
		t.Fatal(err)
	}
	got := s.lastSummary(t)
	if want := len(s.covered()); got.Accounts != want || got.Read != want-1 || got.Unread != 1 {
		t.Errorf("%+v, want %d accounts and all but the management account read", got, want)
	}
	if n := s.counts(sample.Identity)[audit.Enforced]; n == 0 {
		t.Error("nobody is enforced in the account of the function")
	}
	if n := s.counts(management)[audit.Enforced]; n > 0 {
		t.Errorf("%d users are enforced in the management account, which has no role", n)
	}
}

// comesBack removes a user from the group: the next run enforces MFA again, and the journal
// of the account has the change.
func (s *stage) comesBack(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	client, err := s.iam(ctx, home)
	if err != nil {
		t.Fatal(err)
	}
	name, _ := s.enrolled(home)
	group := aws.String("ForceMFA")
	if _, err := client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: group, UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if err := s.wait(ctx, 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if state := s.states(home)[name]; state != audit.Enforced {
		t.Errorf("%s is %s after the next run", name, state)
	}
	cfg, err := s.enter(ctx, s.box.Home)
	if err != nil {
		t.Fatal(err)
	}
	place := apply.S3Place{Bucket: s.bucket(), Prefix: "journal/" + home}
	runs, err := apply.S3RunIDs(ctx, apply.S3Client(cfg), place)
	if err != nil || len(runs) == 0 {
		t.Fatalf("journals of %s: %v, %v", home, runs, err)
	}
	record, err := apply.ReadS3Journal(ctx, apply.S3Client(cfg), place, slices.Max(runs))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v", record); !strings.Contains(text, name) {
		t.Errorf("the journal of the last run does not name %s: %s", name, text)
	}
}

// stops turns the function off: its run finds no accounts.
func (s *stage) stops(t *testing.T) {
	t.Helper()
	applied(t, s.central(t, map[string]string{"Mode": "off"}).Apply)
	if err := s.wait(t.Context(), 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := s.lastSummary(t); got.Accounts != 0 {
		t.Errorf("a run with the mode off: %+v", got)
	}
}

// leavesNothing removes the deployment, and tries the other form before and after.
func (s *stage) leavesNothing(t *testing.T) {
	t.Helper()
	if _, err := s.open(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the central function is deployed") {
		t.Errorf("deploy with a function in each account: %v", err)
	}
	applied(t, s.central(t, nil).Remove)
	if name, _ := s.enrolled(home); name == "" {
		t.Errorf("nobody is enforced after the removal")
	}
	if _, err := s.open(t.Context(), nil); err != nil {
		t.Errorf("deploy with a function in each account, after the removal: %v", err)
	}
}

func (s *stage) bucket() string { return "forcemfa-" + s.box.Home + "-us-east-1" }

// lastSummary is the summary of the last run.
func (s *stage) lastSummary(t *testing.T) central.Summary {
	t.Helper()
	var key string
	s.box.Cloud.View(func(w *world.World) {
		for name := range w.Account(s.box.Home).Buckets[s.bucket()].Objects {
			if strings.HasSuffix(name, "/summary.json") && name > key {
				key = name
			}
		}
	})
	var summary central.Summary
	if err := json.Unmarshal(s.object(t, s.bucket(), key), &summary); err != nil {
		t.Fatal(err)
	}
	return summary
}
