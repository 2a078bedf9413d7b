package orgsvc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
)

// client signs as a user of an account who may do what a policy says.
func client(t *testing.T, w *world.World, account, document string, o emulator.Options) *organizations.Client {
	t.Helper()
	w.Edit(account).Users["olga"] = &world.User{Name: "olga", Path: "/", ID: "AIDAOLGAOLGAOLGAOLGA1", Created: now.AddDate(-1, 0, 0), Inline: map[string]string{"p": document}}
	w.AddKey(account, "olga", &world.Key{ID: "AKIAOLGA" + account, Secret: "secret", Active: true})
	o.Clock = func() time.Time { return now }
	c := emulator.New(w, o)
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAOLGA" + account, SecretAccessKey: "secret"}, nil
	})
	return organizations.NewFromConfig(c.Config(provider, "us-east-1"), func(o *organizations.Options) {
		o.Retryer = aws.NopRetryer{}
	})
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"organizations:*","Resource":"*"}]}`

func TestPaginatorFindsEveryAccountBehindEmptyPages(t *testing.T) {
	w := crowd(40)
	strict := emulator.Options{Strict: &emulator.Strict{PageSize: 3}, Seed: 5}
	pages := organizations.NewListAccountsPaginator(client(t, w, delegate, everything, strict), &organizations.ListAccountsInput{})
	seen, empty := map[string]bool{}, 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Accounts) == 0 {
			empty++
		}
		for _, id := range ids(page.Accounts) {
			seen[id] = true
		}
	}
	if len(seen) != 44 || empty == 0 {
		t.Errorf("%d accounts, %d empty pages", len(seen), empty)
	}
}

func TestPoliciesOfTheCallerDecide(t *testing.T) {
	ctx := context.Background()
	w := newWorld("aws")
	c := client(t, w, management, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"organizations:DescribeAccount","Resource":"arn:aws:organizations::`+management+`:account/*/`+invited+`"},
		{"Effect":"Allow","Action":"organizations:ListPolicies","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"SERVICE_CONTROL_POLICY"}}}]}`, emulator.Options{})
	if _, err := c.DescribeAccount(ctx, &organizations.DescribeAccountInput{AccountId: aws.String(invited)}); err != nil {
		t.Errorf("an account that the policy names: %v", err)
	}
	_, err := c.DescribeAccount(ctx, &organizations.DescribeAccountInput{AccountId: aws.String(delegate)})
	var denied *types.AccessDeniedException
	if !errors.As(err, &denied) || !strings.Contains(denied.ErrorMessage(), "organizations:DescribeAccount") {
		t.Errorf("another account: %v", err)
	}
	if _, err := c.ListPolicies(ctx, &organizations.ListPoliciesInput{Filter: "SERVICE_CONTROL_POLICY"}); err != nil {
		t.Errorf("the type that the policy names: %v", err)
	}
	if _, err := c.ListPolicies(ctx, &organizations.ListPoliciesInput{Filter: "TAG_POLICY"}); !errors.As(err, &denied) {
		t.Errorf("another type: %v", err)
	}
}

func TestClientGetsTypedErrors(t *testing.T) {
	ctx := context.Background()
	c := client(t, newWorld("aws"), management, everything, emulator.Options{})
	_, err := c.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(teams)})
	var duplicate *types.DuplicatePolicyAttachmentException
	if !errors.As(err, &duplicate) {
		t.Errorf("attaching twice: %v", err)
	}
	_, err = c.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: aws.String(full), TargetId: aws.String(invited)})
	var constraint *types.ConstraintViolationException
	if !errors.As(err, &constraint) || constraint.Reason != types.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded {
		t.Errorf("detaching the last policy: %v", err)
	}
	alone := newWorld("aws")
	alone.Organization = nil
	_, err = client(t, alone, stranger, everything, emulator.Options{}).DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	var unused *types.AWSOrganizationsNotInUseException
	if !errors.As(err, &unused) {
		t.Errorf("outside any organization: %v", err)
	}
}
