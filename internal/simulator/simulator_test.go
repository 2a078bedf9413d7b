package simulator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/simulator"
)

const account = "123456789012"

// user is a user whose only policy has these statements.
func user(name, statements string) org.User {
	return org.User{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":user/" + name,
		Inline: []org.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}}}
}

const (
	allowAll  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	denyNoMFA = `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	denyFalse = `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`
	allowNull = `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}}`
	allowSet  = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`
)

// config is the config of an administrator in an account with these users.
func config(t *testing.T, users ...org.User) aws.Config {
	t.Helper()
	a := &org.Account{ID: account, Partition: "aws", State: "ACTIVE", Read: true, Users: users,
		Roles: []org.Role{{Name: "Administrator", Path: "/", ARN: "arn:aws:iam::" + account + ":role/Administrator",
			Trust:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
			Inline: []org.InlinePolicy{{Name: "all", Document: `{"Version":"2012-10-17","Statement":[` + allowAll + `]}`}}}}}
	w, err := world.Load(org.Header{Format: org.Format, Partition: "aws"}, func(yield func(*org.Account, error) bool) { yield(a, nil) }, 1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	cloud := emulator.New(w, emulator.Options{Clock: func() time.Time { return now }})
	creds, err := cloud.AssumeAs(account, "Administrator", "test")
	if err != nil {
		t.Fatal(err)
	}
	return cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1")
}

func TestSimulateFindsActionsWithoutTheKeyAndWithFalse(t *testing.T) {
	cfg := config(t, user("open", allowAll), user("enforced", allowAll+","+denyNoMFA), user("bool", allowAll+","+denyFalse),
		user("both", allowNull+","+allowSet), user("empty", `{"Effect":"Deny","Action":"*","Resource":"*"}`))
	for _, row := range []struct {
		name string
		want []string
	}{
		{"open", simulator.Actions},
		{"enforced", nil},
		{"bool", simulator.Actions}, // a request with an access key has no such key
		{"both", []string{"kms:Decrypt", "s3:GetObject"}},
		{"empty", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := simulator.Simulate(t.Context(), iam.NewFromConfig(cfg), "arn:aws:iam::"+account+":user/"+row.name)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Sorted(slices.Values(row.want))
			if d := cmp.Diff(want, slices.Sorted(slices.Values(got))); d != "" {
				t.Errorf("allowed (-want +got):\n%s", d)
			}
		})
	}
}

func TestAskKeepsTheErrorOfEachUser(t *testing.T) {
	cfg := config(t, user("open", allowAll))
	f, err := fleet.New(cfg, fleet.Options{Rate: -1, Accounts: []string{account}})
	if err != nil {
		t.Fatal(err)
	}
	users := []audit.User{
		{Account: account, ARN: "arn:aws:iam::" + account + ":user/ghost"},
		{Account: account, ARN: "arn:aws:iam::" + account + ":user/open"},
		{Account: "999999999999", ARN: "arn:aws:iam::999999999999:user/elsewhere"},
	}
	var progress []int
	opinions, err := simulator.Ask(t.Context(), f, users, func(done, total int) { progress = append(progress, done, total) })
	if err != nil || len(opinions) != len(users) {
		t.Fatalf("%d opinions, %v", len(opinions), err)
	}
	if d := cmp.Diff([]int{0, 3, 1, 3, 2, 3}, progress); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
	var missing *types.NoSuchEntityException
	if !errors.As(opinions[0].Err, &missing) {
		t.Errorf("a user that does not exist: %v", opinions[0].Err)
	}
	if opinions[1].Err != nil || len(opinions[1].Allowed) != len(simulator.Actions) {
		t.Errorf("an open user: %+v", opinions[1])
	}
	if opinions[2].Err == nil {
		t.Error("a user of an account that cannot be entered has no error")
	}
}

func TestAskEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, err := fleet.New(config(t, user("open", allowAll)), fleet.Options{Rate: -1, Accounts: []string{account}})
	if err != nil {
		t.Fatal(err)
	}
	opinions, err := simulator.Ask(ctx, f, make([]audit.User, 2), func(done, _ int) { cancel() })
	if !errors.Is(err, context.Canceled) || opinions != nil {
		t.Errorf("%v, %v", opinions, err)
	}
}

// A fixed is a simulator with one answer.
type fixed struct {
	out *iam.SimulatePrincipalPolicyOutput
	err error
}

func (f fixed) SimulatePrincipalPolicy(context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	return f.out, f.err
}

// An answer without results must not read as "nothing is allowed".
func TestNoResultsAreAnError(t *testing.T) {
	_, err := simulator.Simulate(t.Context(), fixed{out: &iam.SimulatePrincipalPolicyOutput{}}, "arn")
	if err == nil || !strings.Contains(err.Error(), "no results") {
		t.Errorf("error %v", err)
	}
}
