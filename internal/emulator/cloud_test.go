package emulator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

const (
	management = "111111111111"
	member     = "222222222222"

	administrator = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	forceMFA      = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","NotAction":["iam:GetUser","sts:*"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
	trustMember = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::222222222222:root"}}}`

	password = "correct horse battery staple"
)

var (
	seed   = []byte("0123456789012345678901234567890123456789")
	serial = "arn:aws:iam::" + member + ":mfa/bob"
	made   = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
)

// testWorld is an organization of two accounts. The member account contains
// alice, an administrator; bob, with ForceMFA, a password and a virtual device;
// fay, with a security key; and a role.
func testWorld() *world.World {
	w := world.New("aws", 7)
	w.Organization = &world.Organization{
		ID: "o-example111", ARN: "arn:aws:organizations::111111111111:organization/o-example111",
		ManagementAccount: management, FeatureSet: "ALL", SCPsEnabled: true,
		Units: []org.Unit{{ID: "r-root", Name: "Root", SCPs: []string{"p-full"}}, {ID: "ou-work", Name: "Work", Parent: "r-root", SCPs: []string{"p-full"}}},
		SCPs:  map[string]org.SCP{"p-full": {ID: "p-full", Name: "FullAWSAccess", Document: administrator}},
	}
	w.AddAccount(&world.Account{ID: management, Name: "management", Unit: "r-root", Users: map[string]*world.User{
		"root-admin": user("root-admin", administrator),
	}})
	bob := user("bob", forceMFA)
	bob.Login = &world.Login{Created: made, Password: password}
	fay := user("fay", forceMFA)
	fay.Login = &world.Login{Created: made, Password: password}
	w.AddAccount(&world.Account{
		ID: member, Name: "member", Unit: "ou-work", SCPs: []string{"p-full"},
		Users: map[string]*world.User{"alice": user("alice", administrator), "bob": bob, "fay": fay},
		Roles: map[string]*world.Role{"operator": {
			Name: "Operator", Path: "/", ID: "AROAOPERATOR000000000", Created: made, Trust: trustMember,
			MaxSession: time.Hour, Inline: map[string]string{"all": administrator},
		}},
		Devices: map[string]*world.Device{
			serial: {Serial: serial, Kind: org.VirtualMFA, Seed: seed, User: "bob", Enabled: made},
			"arn:aws:iam::222222222222:u2f/user/fay/key": {
				Serial: "arn:aws:iam::222222222222:u2f/user/fay/key", Kind: org.FIDO, User: "fay", Enabled: made,
			},
		},
	})
	for _, account := range []string{management, member} {
		w.AddSampleData(account, made)
		for name, u := range w.Account(account).Users {
			w.AddKey(account, name, &world.Key{ID: keyOf(u.Name), Secret: "secret of " + name, Active: true, Created: made})
		}
	}
	return w
}

func user(name, document string) *world.User {
	return &world.User{
		Name: name, Path: "/", ID: idOf(name), Created: made, Groups: map[string]bool{},
		Inline: map[string]string{"policy": document}, Tags: []org.Tag{{Key: "team", Value: "blue"}},
	}
}

func keyOf(name string) string { return ("AKIA" + name + "0000000000000000")[:20] }

func idOf(name string) string {
	return ("AIDA" + strings.ToUpper(strings.ReplaceAll(name, "-", "")) + "0000000000000000")[:20]
}

// as are the credentials of a user of the test world.
func as(name string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(keyOf(name), "secret of "+name, "")
}

func with(creds aws.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken)
}

func newCloud(t testing.TB, o Options) *Cloud {
	t.Helper()
	return New(testWorld(), o)
}

func iamOf(c *Cloud, creds aws.CredentialsProvider) *iam.Client {
	return iam.NewFromConfig(c.Config(creds, "us-east-1"))
}

// code is the error code of a call, empty for a success.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("not an error of AWS: %v", err)
	}
	return api.ErrorCode()
}

func TestSignedCallIsAnswered(t *testing.T) {
	c := newCloud(t, Options{})
	out, err := iamOf(c, as("alice")).GetUser(context.Background(), &iam.GetUserInput{UserName: aws.String("bob")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(out.User.Arn), "arn:aws:iam::222222222222:user/bob"; got != want {
		t.Errorf("ARN is %s, want %s", got, want)
	}
	if !out.User.CreateDate.Equal(made) {
		t.Errorf("CreateDate is %s, want %s", out.User.CreateDate, made)
	}
}
