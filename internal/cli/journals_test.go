package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

// What the Lambda did is undone from its journal in S3 as from a file.
func TestRollbackReadsTheLambdasJournalInS3(t *testing.T) {
	const account = "111122223333"
	now := time.Now().UTC()
	w := world.New("aws", 3)
	w.AddAccount(&world.Account{
		ID: account, Name: "one", State: "ACTIVE",
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
	defer server.Close()
	creds, err := cloud.AssumeAs(account, "admin", "test")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.Endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY": creds.SecretAccessKey,
		"AWS_SESSION_TOKEN": creds.SessionToken, "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	run := enforceBob(t, cloud, creds, account)
	if !bobIsIn(cloud, account) {
		t.Fatal("bob was not put into the group")
	}
	verb := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		status := Main(context.Background(), &command.Env{
			Args:  append(append([]string{"rollback", "-q", "-o", "json"}, args...), "--journal", "s3://journals/runs/"+account),
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Getenv: func(string) string { return "" }, StateDir: t.TempDir(),
		})
		return status, out.String(), errs.String()
	}
	if status, out, errs := verb("--list"); status != 0 || !strings.Contains(out, run) {
		t.Errorf("--list: status %d: %s%s", status, out, errs)
	}
	status, out, errs := verb(run, "--yes")
	var got struct{ Undoes string }
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || got.Undoes != run || bobIsIn(cloud, account) {
		t.Errorf("rollback: status %d, undoes %q, bob in the group: %v, %v\n%s%s", status, got.Undoes, bobIsIn(cloud, account), err, out, errs)
	}
	if status, _, errs := verb("20270131T120000Z"); status != command.StatusFailed || !strings.Contains(errs, "no journal of run 20270131T120000Z") {
		t.Errorf("a run that is not there: status %d: %s", status, errs)
	}
}

// enforceBob does what the Lambda would, and gives the ID of its run.
func enforceBob(t *testing.T, cloud *emulator.Cloud, creds aws.Credentials, account string) string {
	t.Helper()
	cfg := cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1")
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	journal := apply.NewS3Journal(client, apply.S3Place{Bucket: "journals", Prefix: "runs/" + account}, time.Now())
	result := apply.Run(context.Background(), []plan.Step{{
		ID: "AddUserToGroup/bob", Op: plan.AddUserToGroup, Account: account, Subject: arn.IAM("aws", account, "user", "/", "bob"), Object: "ForceMFA",
		Want: plan.State{Present: true}, Because: []string{},
	}}, func(string) (aws.Config, error) { return cfg, nil }, journal, apply.Options{Home: account})
	if !result.Complete() {
		t.Fatalf("%+v", result)
	}
	return journal.Run()
}

func bobIsIn(cloud *emulator.Cloud, account string) (in bool) {
	cloud.View(func(w *world.World) { in = w.Account(account).Users["bob"].Groups["forcemfa"] })
	return in
}
