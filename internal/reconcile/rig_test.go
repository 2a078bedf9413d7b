package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

const (
	home       = "111111111111"
	journalsAt = "forcemfa-journals"
	executor   = "forcemfa-reconcile"
	operator   = "Operator"
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	ownTrust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
)

var start = time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)

// A rig is an organization on the embedded AWS with a function in each account.
type rig struct {
	t         testing.TB
	cloud     *emulator.Cloud
	baseline  *baseline.Baseline
	functions map[string]*Function
	told      *told
	log       *bytes.Buffer
	metrics   *bytes.Buffer
	// wrap changes the transport of functions that are created afterwards.
	wrap func(http.RoundTripper) http.RoundTripper
}

// told is a Sender that records messages. With failing it returns that error.
type told struct {
	mu       sync.Mutex
	digests  []notify.Summary
	messages []notify.Message
	failing  error
}

func (s *told) Send(_ context.Context, d *notify.Summary) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return s.failing
	}
	s.digests = append(s.digests, *d)
	s.messages = append(s.messages, d.Messages...)
	return nil
}

// lines are the messages as kind, severity, subject and what, sorted.
func (s *told) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, m := range s.messages {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", m.Kind, m.Severity, m.Subject, m.What))
	}
	slices.Sort(lines)
	return lines
}

// accountIDs are the IDs of n accounts, the management account first.
func accountIDs(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("%012d", 111111111111+i))
	}
	return ids
}

// newRig has n accounts with the resources of the stack, and the given users in each.
func newRig(t testing.TB, n int, strict *emulator.Strict, users ...org.User) *rig {
	t.Helper()
	return newRigAt(t, func() time.Time { return start }, n, strict, users...)
}

// newRigAt is newRig with another clock.
func newRigAt(t testing.TB, clock func() time.Time, n int, strict *emulator.Strict, users ...org.User) *rig {
	t.Helper()
	b := baseline.Default()
	h := org.Header{
		Format: org.Format, Taken: start, Partition: "aws",
		Organization: &org.Organization{ID: "o-reconcile0", ManagementAccount: home, FeatureSet: "ALL"},
		Units:        []org.Unit{{ID: "r-rec0", Name: "Root"}},
	}
	ids := accountIDs(n)
	stream := func(yield func(*org.Account, error) bool) {
		for _, id := range ids {
			if !yield(deployed(b, id, clock().AddDate(0, -1, 0), users), nil) {
				return
			}
		}
	}
	w, err := world.Load(h, stream, 7)
	if err != nil {
		t.Fatal(err)
	}
	w.AddBucket(home, &world.Bucket{Name: journalsAt, Created: start, Policy: bucketPolicy})
	r := &rig{
		t: t, baseline: b, told: new(told), log: new(bytes.Buffer), metrics: new(bytes.Buffer), functions: map[string]*Function{},
		cloud: emulator.New(w, emulator.Options{Clock: clock, Strict: strict, Seed: 11}),
	}
	r.cloud.OnCall(func(call emulator.Record) {
		if call.Operation == "GenerateCredentialReport" {
			r.cloud.Advance(10 * time.Second) // the report is ready then
		}
	})
	return r
}

// bucketPolicy lets the functions of the organization put their journals.
const bucketPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::` + journalsAt +
	`/*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-reconcile0"}}}}`

// deployed is an account with the resources of the stack: policy, group, role.
func deployed(b *baseline.Baseline, id string, made time.Time, users []org.User) *org.Account {
	policy := baseline.PolicyARN("aws", id)
	a := &org.Account{
		ID: id, Name: "account " + id[9:], Alias: "acme-" + id[9:], Partition: "aws", State: "ACTIVE", Unit: "r-rec0", Read: true,
		Management: id == home,
		Root:       org.Root{MFA: org.Yes, HardwareMFA: org.Yes, AccessKeys: org.No, Password: org.Yes},
		Groups: []org.Group{
			{Name: "Developers", Path: "/", ARN: arn.IAM("aws", id, "group", "/", "Developers"), Inline: []org.InlinePolicy{{Name: "s3", Document: s3All}}},
			{Name: baseline.GroupName, Path: baseline.Path, ARN: baseline.GroupARN("aws", id), Attached: []string{policy}},
		},
		Policies: []org.Policy{{
			ARN: policy, Name: baseline.PolicyName, Path: baseline.Path, Default: "v1",
			Versions: []org.Version{{ID: "v1", Created: made, Document: b.Document("aws")}},
		}},
		Roles: []org.Role{
			{Name: executor, Path: "/forcemfa/", ARN: arn.IAM("aws", id, "role", "/forcemfa/", executor), Created: made, Trust: ownTrust,
				Inline: []org.InlinePolicy{{Name: "reconcile", Document: rights(id)}}},
			{Name: operator, Path: "/", ARN: arn.IAM("aws", id, "role", "/", operator), Created: made, Trust: ownTrust,
				Inline: []org.InlinePolicy{{Name: "all", Document: everything}}},
		},
	}
	for _, u := range users {
		u.ARN = arn.IAM("aws", id, "user", "/", u.Name)
		u.ID = "AIDA" + strings.ToUpper(u.Name) + id
		for n := range u.Devices {
			u.Devices = slices.Clone(u.Devices)
			u.Devices[n].Serial = arn.IAM("aws", id, "mfa", "/", u.Name)
		}
		a.Users = append(a.Users, u)
	}
	a.Sort()
	return a
}

const s3All = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`

// rights is the policy of the function's role with the least privileges: each of Actions,
// where changes are limited to the resources of forcemfa.
func rights(account string) string {
	group, policy := baseline.GroupARN("aws", account), baseline.PolicyARN("aws", account)
	ours := map[string]any{"ArnEquals": map[string]string{"iam:PolicyARN": policy}}
	window := map[string]any{"ForAllValues:StringEqualsIgnoreCase": map[string]string{"aws:TagKeys": baseline.Default().Window.Tag}}
	tags := map[string]any{"ForAllValues:StringEqualsIgnoreCase": map[string]any{"aws:TagKeys": []string{baseline.Default().Window.Tag, baseline.DeviceByKeyTag}}}
	bound := map[string]map[string]any{
		"iam:AddUserToGroup":    {"Resource": group},
		"iam:AttachGroupPolicy": {"Resource": group, "Condition": ours},
		"iam:AttachUserPolicy":  {"Resource": "arn:aws:iam::" + account + ":user/*", "Condition": ours},
		"iam:TagUser":           {"Resource": "arn:aws:iam::" + account + ":user/*", "Condition": tags},
		"iam:UntagUser":         {"Resource": "arn:aws:iam::" + account + ":user/*", "Condition": window},
		"s3:PutObject":          {"Resource": "arn:aws:s3:::" + journalsAt + "/runs/" + account + "/*"},
	}
	var statements []map[string]any
	var reads []string
	for _, action := range Actions {
		s := bound[action]
		if s == nil {
			reads = append(reads, action)
			continue
		}
		s["Effect"], s["Action"] = "Allow", action
		statements = append(statements, s)
	}
	statements = append(statements, map[string]any{"Effect": "Allow", "Action": reads, "Resource": "*"})
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// person is a user with a password and a virtual device, who may use S3.
func person(name string, groups ...string) org.User {
	enabled := start.AddDate(0, -2, 0)
	return org.User{
		Name: name, Path: "/", Created: start.AddDate(-1, 0, 0), Groups: append(groups, "Developers"),
		Password: org.Yes, PasswordReset: org.No, MFA: org.Yes, Devices: []org.Device{{Serial: "to be named", Kind: org.VirtualMFA, Enabled: &enabled}},
	}
}

// config signs in to an account as a role.
func (r *rig) config(account, role string) aws.Config {
	r.t.Helper()
	creds, err := r.cloud.AssumeAs(account, role, role)
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1")
	if r.wrap != nil {
		cfg.HTTPClient = &http.Client{Transport: r.wrap(r.cloud.Transport())}
	}
	return cfg
}

// options are the options of a function that enforces, sends messages to the rig, and
// has its journal in S3.
func (r *rig) options(account string) Options {
	return Options{
		Mode: Enforce, Settings: Settings{Baseline: r.baseline, Hash: "abc123"}, Name: "forcemfa-reconcile", Sender: r.told, Rate: -1,
		Log: slog.New(slog.NewJSONHandler(r.log, nil)), Metrics: r.metrics, Now: r.cloud.Now,
		Sleep: func(ctx context.Context, d time.Duration) error { r.cloud.Advance(d); return ctx.Err() },
		Journal: func(_ context.Context, account string, now time.Time) (Journal, error) {
			client := s3.NewFromConfig(r.config(account, executor), func(o *s3.Options) { o.UsePathStyle = true })
			return apply.NewS3Journal(client, apply.S3Place{Bucket: journalsAt, Prefix: "runs"}.Under(account), now), nil
		},
	}
}

// function is the function of an account, created on first use.
func (r *rig) function(account string) *Function {
	r.t.Helper()
	if r.functions[account] == nil {
		r.functions[account] = r.fresh(r.options(account), account)
	}
	return r.functions[account]
}

// fresh is another instance of an account's function.
func (r *rig) fresh(o Options, account string) *Function {
	r.t.Helper()
	f, err := New(r.config(account, executor), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

// as is an IAM client of an administrator role.
func (r *rig) as(account string) *iam.Client { return iam.NewFromConfig(r.config(account, operator)) }

// scan runs the schedule of an account.
func (r *rig) scan(account string) *Result {
	r.t.Helper()
	result, err := r.function(account).Handle(context.Background(), []byte(`{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`))
	if err != nil {
		r.t.Fatalf("scan of %s: %v", account, err)
	}
	return result
}

// states are the audited states of the users of an account.
func (r *rig) states(account string) map[string]audit.State {
	r.t.Helper()
	states := map[string]audit.State{}
	r.cloud.View(func(w *world.World) {
		h, stream := w.Snapshot(r.cloud.Now())
		for a := range stream {
			if a.ID != account {
				continue
			}
			a.Read = true
			for _, u := range audit.New(&h, r.baseline, r.cloud.Now()).Audit(a).Users {
				states[u.Name] = u.State
			}
		}
	})
	return states
}
