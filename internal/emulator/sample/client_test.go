package sample_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
)

var today = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

func newCloud(t *testing.T) *emulator.Cloud {
	t.Helper()
	return emulator.New(load(t), emulator.Options{Clock: func() time.Time { return today }})
}

// as signs with the first active key of a user.
func as(t *testing.T, c *emulator.Cloud, account, user string) aws.Config {
	t.Helper()
	var creds aws.Credentials
	c.View(func(w *world.World) {
		for _, k := range w.Account(account).Users[world.Fold(user)].Keys {
			if k.Active && !creds.HasKeys() {
				creds.AccessKeyID, creds.SecretAccessKey = k.ID, k.Secret
			}
		}
	})
	if !creds.HasKeys() {
		t.Fatalf("%s/%s has no active key", account, user)
	}
	return signing(c, creds)
}

func signing(c *emulator.Cloud, creds aws.Credentials) aws.Config {
	return c.Config(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return creds, nil }), "us-east-1")
}

// assumeRole returns a client configuration for the session.
func assumeRole(c *emulator.Cloud, from aws.Config, role, serial, code string) (aws.Config, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")}
	if serial != "" {
		in.SerialNumber, in.TokenCode = &serial, &code
	}
	out, err := sts.NewFromConfig(from).AssumeRole(context.Background(), in)
	if err != nil {
		return aws.Config{}, err
	}
	return signing(c, aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	}), nil
}

func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}

func TestAdminEntersEveryEnterableAccount(t *testing.T) {
	ctx := context.Background()
	c := newCloud(t)
	admin := as(t, c, sample.Legacy, "admin")
	pages := organizations.NewListAccountsPaginator(organizations.NewFromConfig(admin), &organizations.ListAccountsInput{})
	entered := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Accounts {
			session, err := assumeRole(c, admin, "arn:aws:iam::"+*a.Id+":role/OrganizationAccountAccessRole", "", "")
			if err != nil && !denied(err) {
				t.Errorf("%s: %v", *a.Id, err)
			}
			if err == nil {
				_, err = iam.NewFromConfig(session).GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
			}
			entered[*a.Id] = err == nil
		}
	}
	for id, want := range map[string]bool{
		sample.Legacy: false, sample.Acquired: false, sample.Closed: false,
		sample.Identity: true, sample.Dev: true, sample.Staging: true, sample.Prod: true, sample.Archive: true,
	} {
		if got, listed := entered[id]; got != want || !listed {
			t.Errorf("account %s: listed %t, entered %t, want %t", id, listed, got, want)
		}
	}
}

// Seed 003: a user of the parent account, with a code, in a child account.
func TestPrivilegedActionsRoleRequiresACode(t *testing.T) {
	c := newCloud(t)
	anna := as(t, c, sample.Identity, "anna")
	role := "arn:aws:iam::" + sample.Dev + ":role/PrivilegedActionsRole"
	if _, err := assumeRole(c, anna, role, "", ""); !denied(err) {
		t.Errorf("without a code: %v", err)
	}
	serial := "arn:aws:iam::" + sample.Identity + ":mfa/anna"
	var code string
	c.View(func(w *world.World) {
		var err error
		if code, err = w.Code(serial, c.Now()); err != nil {
			t.Fatal(err)
		}
	})
	session, err := assumeRole(c, anna, role, serial, code)
	if err != nil {
		t.Fatalf("with a code: %v", err)
	}
	if _, err := iam.NewFromConfig(session).ListUsers(context.Background(), &iam.ListUsersInput{}); !denied(err) {
		t.Errorf("the role does what it must not: %v", err)
	}
}

// The MFA state of role sessions, as an attacker with the stolen key of an
// administrator sees it.
func TestRolesWithWeakTrustAreAssumedWithoutMFA(t *testing.T) {
	c := newCloud(t)
	admin := as(t, c, sample.Legacy, "frank")
	for name, want := range map[string]bool{
		"Administrator": false, "Releaser": false, "Reporter": false, "Archivist": false, "CostVendor": false, "web-server": false,
		"Operator": true, "Auditor": true, "ForceMFAAdministrator": true,
	} {
		_, err := assumeRole(c, admin, "arn:aws:iam::"+sample.Legacy+":role/"+name, "", "")
		if got := err == nil; got != want || err != nil && !denied(err) {
			t.Errorf("%s: assumed %t, want %t: %v", name, got, want, err)
		}
	}
}

func TestKeysOfSuspendedAccountsDoNotWork(t *testing.T) {
	c := newCloud(t)
	_, err := sts.NewFromConfig(as(t, c, sample.Closed, "zoe")).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidClientTokenId" {
		t.Errorf("a key of the suspended account: %v", err)
	}
}
