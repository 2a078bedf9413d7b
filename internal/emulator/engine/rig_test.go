package engine

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/cloudtrailsvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

const (
	management = "111111111111"
	member     = "222222222222"
	rootID     = "r-root"
	region     = "us-east-1"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// A rig is an organization of two accounts with a trail and an engine.
type rig struct {
	t      *testing.T
	cloud  *emulator.Cloud
	engine *Engine
	seen   []*Invocation
	fail   error // of the functions
}

// Run implements Runner.
func (r *rig) Run(_ context.Context, i *Invocation) ([]byte, error) {
	r.seen = append(r.seen, i)
	return []byte(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"test","Metrics":[{"Name":"Runs"}]}]},"Runs":1}` + "\n"), r.fail
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := world.New("aws", 9)
	w.Organization = &world.Organization{
		ID: "o-abcdefghij", ARN: "arn:aws:organizations::" + management + ":organization/o-abcdefghij", ManagementAccount: management, FeatureSet: "ALL",
		Units:  []org.Unit{{ID: rootID, Name: "Root"}, {ID: "ou-root-aaaaaaaa", Name: "Apps", Parent: rootID}, {ID: "ou-root-bbbbbbbb", Name: "Other", Parent: rootID}},
		Access: []world.ServiceAccess{{Service: cfnsvc.Principal, Since: start}},
	}
	for id, unit := range map[string]string{management: rootID, member: "ou-root-aaaaaaaa"} {
		w.AddAccount(&world.Account{ID: id, Name: "account " + id[:1], Unit: unit, Roles: map[string]*world.Role{"admin": {
			Name: "admin", Path: "/", ID: "AROA" + id, MaxSession: time.Hour, Inline: map[string]string{"all": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		}}})
	}
	trail := cloudtrailsvc.NewTrail("aws", management, region, "all", true)
	w.Put(management, trail.ARN, trail)
	code := packed(t)
	w.AddBucket(management, &world.Bucket{Name: "code", Objects: map[string]world.Object{"a.zip": {Body: code}, "b.zip": {Body: code}}, Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::code/*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}}]}`})
	r := &rig{t: t, cloud: emulator.New(w, emulator.Options{Clock: func() time.Time { return start }})}
	var err error
	if r.engine, err = New(r.cloud, r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.engine.Close)
	return r
}

func packed(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// config is that of the administrator of an account.
func (r *rig) config(account string) aws.Config {
	r.t.Helper()
	creds, err := r.cloud.AssumeAs(account, "admin", "test")
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, region)
	cfg.RetryMaxAttempts = 1
	return cfg
}

// do calls an operation of a service without a client.
func (r *rig) do(account, service, operation string, in any) (any, error) {
	r.t.Helper()
	creds, err := r.cloud.AssumeAs(account, "admin", "test")
	if err != nil {
		r.t.Fatal(err)
	}
	caller, err := r.cloud.Caller(creds.AccessKeyID)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.cloud.Do(caller, service, operation, in)
}

func (r *rig) wait(d time.Duration) {
	r.t.Helper()
	if err := r.engine.Run(r.t.Context(), r.cloud.Now().Add(d)); err != nil {
		r.t.Fatal(err)
	}
}

// ok fails the test when a call failed.
func ok[O any](out O, err error) func(*testing.T) O {
	return func(t *testing.T) O {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
