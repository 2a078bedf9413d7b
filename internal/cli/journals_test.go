package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

const journalAccount = "111122223333"

// A journalRig is an account with a bucket of journals, and the verb rollback on it.
type journalRig struct {
	cloud *emulator.Cloud
	creds aws.Credentials
}

func newJournalRig(t *testing.T) *journalRig {
	t.Helper()
	now := time.Now().UTC()
	w := world.New("aws", 3)
	w.AddAccount(&world.Account{
		ID: journalAccount, Name: "one", State: "ACTIVE",
		Users:   map[string]*world.User{"bob": {Name: "bob", Path: "/", ID: "AIDABOB", Groups: map[string]bool{}, Inline: map[string]string{}}},
		Groups:  map[string]*world.Group{"forcemfa": {Name: "ForceMFA", Path: "/forcemfa/", ID: "AGPAFORCEMFA", Inline: map[string]string{}}},
		Buckets: map[string]*world.Bucket{"journals": {Name: "journals", Created: now}},
		Roles: map[string]*world.Role{"admin": {Name: "admin", Path: "/", ID: "AROAADMIN", MaxSession: time.Hour, Trust: "{}",
			Inline: map[string]string{"all": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}}},
	})
	cloud := emulator.New(w, emulator.Options{})
	server, err := cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	creds, err := cloud.AssumeAs(journalAccount, "admin", "test")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.Endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY": creds.SecretAccessKey,
		"AWS_SESSION_TOKEN": creds.SessionToken, "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	return &journalRig{cloud, creds}
}

// rollback runs the verb on the journals of an account.
func (r *journalRig) rollback(t *testing.T, account string, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Main(context.Background(), &command.Env{
		Args:  append(append([]string{"rollback", "-q", "-o", "json"}, args...), "--journal", "s3://journals/runs/"+account),
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Now: time.Now, Getenv: func(string) string { return "" }, StateDir: t.TempDir(),
		Ask: func(context.Context, string) (string, error) { return "", errors.New("no terminal") },
	})
	return status, stdout.String(), stderr.String()
}

// journal begins the journal of a run of the function of an account.
func (r *journalRig) journal(account string) (*apply.S3Journal, aws.Config) {
	cfg := r.cloud.Config(credentials.StaticCredentialsProvider{Value: r.creds}, "us-east-1")
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	return apply.NewS3Journal(client, apply.S3Place{Bucket: "journals", Prefix: "runs/" + account}, time.Now()), cfg
}

// What the Lambda did is undone from its journal in S3 as from a file.
func TestRollbackReadsTheLambdasJournalInS3(t *testing.T) {
	r := newJournalRig(t)
	run := r.enforceBob(t)
	if !r.bobIsIn() {
		t.Fatal("bob was not put into the group")
	}
	if status, out, errs := r.rollback(t, journalAccount, "--list"); status != 0 || !strings.Contains(out, run) {
		t.Errorf("--list: status %d: %s%s", status, out, errs)
	}
	status, _, errs := r.rollback(t, journalAccount, run)
	if status != command.StatusGuarded || !r.bobIsIn() || !strings.Contains(errs, "RemoveUserFromGroup arn:aws:iam::"+journalAccount+":user/bob ForceMFA") {
		t.Errorf("without an answer: status %d: %s", status, errs)
	}
	status, out, errs := r.rollback(t, journalAccount, run, "--yes")
	var got struct{ Undoes string }
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || got.Undoes != run || r.bobIsIn() {
		t.Errorf("rollback: status %d, undoes %q, bob in the group: %v, %v\n%s%s", status, got.Undoes, r.bobIsIn(), err, out, errs)
	}
	if status, _, errs := r.rollback(t, journalAccount, "20270131T120000Z"); status != command.StatusFailed || !strings.Contains(errs, "no journal of run 20270131T120000Z") {
		t.Errorf("a run that is not there: status %d: %s", status, errs)
	}
}

// Whoever can write to the bucket forges a run: its steps are real changes that a
// rollback could make, and none of them is made.
func TestRollbackRefusesAForgedJournalInS3(t *testing.T) {
	user := arn.IAM("aws", journalAccount, "user", "/", "bob")
	admin := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	forged := map[string]plan.Step{
		"an inline policy":   plan.NewStep(plan.DeleteUserPolicy, journalAccount, user, "backdoor", plan.State{Present: true, Document: admin}, plan.State{}),
		"a group":            plan.NewStep(plan.RemoveUserFromGroup, journalAccount, user, "ForceMFA", plan.State{Present: true}, plan.State{}),
		"an attached policy": plan.NewStep(plan.DetachUserPolicy, journalAccount, user, "arn:aws:iam::aws:policy/AdministratorAccess", plan.State{Present: true}, plan.State{}),
		"a window":           plan.NewStep(plan.UntagUser, journalAccount, user, baseline.Default().Window.Tag, plan.State{Present: true, Value: "2099-01-01"}, plan.State{}),
		"another account":    plan.NewStep(plan.AddUserToGroup, "444455556666", arn.IAM("aws", "444455556666", "user", "/", "bob"), "ForceMFA", plan.State{}, plan.State{Present: true}),
	}
	for name, step := range forged {
		t.Run(name, func(t *testing.T) {
			r := newJournalRig(t)
			journal, _ := r.journal(journalAccount)
			now := time.Now().UTC()
			for _, e := range []apply.Entry{
				{Kind: apply.Begin, Time: now, Format: apply.Format, Steps: 1, Home: journalAccount},
				{Kind: apply.Intent, Time: now, Step: &step, Before: &step.Expect},
				{Kind: apply.Ended, Time: now, ID: step.ID, Status: apply.Done},
				{Kind: apply.End, Time: now},
			} {
				if err := journal.Append(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			if status, out, errs := r.rollback(t, journalAccount, "--list"); status != command.StatusIncomplete || !strings.Contains(out, `"status": "refused"`) || !strings.Contains(out, "was not written by the function") {
				t.Errorf("--list: status %d: %s%s", status, out, errs)
			}
			status, _, errs := r.rollback(t, journalAccount, journal.Run(), "--yes")
			r.cloud.View(func(w *world.World) {
				bob := w.Account(journalAccount).Users["bob"]
				if len(bob.Inline)+len(bob.Groups)+len(bob.Attached)+len(bob.Tags) > 0 {
					t.Errorf("bob was changed: %+v", bob)
				}
			})
			if status != command.StatusGuarded || !strings.Contains(errs, "was not written by the function of account "+journalAccount) {
				t.Errorf("status %d: %s", status, errs)
			}
		})
	}
	r := newJournalRig(t)
	run := r.enforceBob(t)
	for place, want := range map[string]string{"": "does not end with the ID of the account", "../runs/" + journalAccount: "has a part that is empty or only dots"} {
		if status, _, errs := r.rollback(t, place, run, "--yes"); status != command.StatusFailed || !r.bobIsIn() || !strings.Contains(errs, want) {
			t.Errorf("place %q: status %d: %s", place, status, errs)
		}
	}
}

// enforceBob does what the Lambda would, and gives the ID of its run.
func (r *journalRig) enforceBob(t *testing.T) string {
	t.Helper()
	journal, cfg := r.journal(journalAccount)
	result := apply.Run(context.Background(), []plan.Step{
		plan.NewStep(plan.AddUserToGroup, journalAccount, arn.IAM("aws", journalAccount, "user", "/", "bob"), "ForceMFA", plan.State{}, plan.State{Present: true}),
	}, func(string) (aws.Config, error) { return cfg, nil }, journal, apply.Options{Home: journalAccount})
	if !result.Complete() {
		t.Fatalf("%+v", result)
	}
	return journal.Run()
}

func (r *journalRig) bobIsIn() (in bool) {
	r.cloud.View(func(w *world.World) { in = w.Account(journalAccount).Users["bob"].Groups["forcemfa"] })
	return in
}
