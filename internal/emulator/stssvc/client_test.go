package stssvc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// These tests call STS as clients do: signed requests through the handler,
// which authorizes them.

const (
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyNoMFA  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"sts:GetSessionToken","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
	bobsARN    = "arn:aws:iam::" + people + ":user/Bob"
	peopleRoot = "arn:aws:iam::" + people + ":root"
)

// newCloud is the world of newWorld in which bob may do everything.
func newCloud(t *testing.T, o emulator.Options) *emulator.Cloud {
	t.Helper()
	w := newWorld(t, "aws")
	w.Edit(people).Users["bob"].Inline = map[string]string{"all": allowAll}
	o.Clock = func() time.Time { return now }
	o.Seed = 1
	return emulator.New(w, o)
}

// client signs with a credential of the cloud.
func client(c *emulator.Cloud, key, secret, token string) *sts.Client {
	return sts.NewFromConfig(config(c, key, secret, token))
}

func config(c *emulator.Cloud, key, secret, token string) aws.Config {
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}, nil
	})
	return c.Config(provider, "us-east-1")
}

func bobsClient(c *emulator.Cloud) *sts.Client {
	return client(c, "AKIABOBBOBBOBBOBBOB1", "secret", "")
}

func with(c *emulator.Cloud, creds *types.Credentials) *sts.Client {
	return client(c, *creds.AccessKeyId, *creds.SecretAccessKey, *creds.SessionToken)
}

// withTrust gives the role Worker a trust policy of one statement.
func withTrust(c *emulator.Cloud, principal, condition string) {
	c.Update(func(w *world.World) {
		w.Edit(work).Roles["worker"].Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal +
			`,"Action":"sts:AssumeRole"` + condition + `}]}`
	})
}

func assume(c *sts.Client, change func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")}
	if change != nil {
		change(in)
	}
	return c.AssumeRole(context.Background(), in)
}

func currentCode(t *testing.T, c *emulator.Cloud) (serial, shown *string) {
	t.Helper()
	c.View(func(w *world.World) { shown = aws.String(code(t, w, phone("aws"), c.Now())) })
	return aws.String(phone("aws")), shown
}

// Sources: IAM User Guide, "AWS JSON policy elements: Principal", "How to use
// an external ID", "Secure API access with MFA".
func TestTrustPolicyDecidesWhoAssumesARole(t *testing.T) {
	const mfa = `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	const external = `,"Condition":{"StringEquals":{"sts:ExternalId":"x-1"}}`
	for _, row := range []struct {
		name, principal, condition string
		withCode                   bool
		externalID                 string
		want                       string // empty: allowed
	}{
		{"the account", `{"AWS":"` + peopleRoot + `"}`, "", false, "", ""},
		{"the account by its ID", `{"AWS":"` + people + `"}`, "", false, "", ""},
		{"the user", `{"AWS":"` + bobsARN + `"}`, "", false, "", ""},
		{"another user", `{"AWS":"arn:aws:iam::` + people + `:user/eve"}`, "", false, "", "AccessDenied"},
		{"another account", `{"AWS":"999999999999"}`, "", false, "", "AccessDenied"},
		{"a deleted user", `{"AWS":"AIDABOBBOBBOBBOBBOB01"}`, "", false, "", "AccessDenied"},
		{"a service", `{"Service":"ec2.amazonaws.com"}`, "", false, "", "AccessDenied"},
		{"MFA wanted and given", `{"AWS":"` + people + `"}`, mfa, true, "", ""},
		{"MFA wanted and not given", `{"AWS":"` + people + `"}`, mfa, false, "", "AccessDenied"},
		{"external ID wanted and given", `{"AWS":"` + people + `"}`, external, false, "x-1", ""},
		{"another external ID", `{"AWS":"` + people + `"}`, external, false, "x-2", "AccessDenied"},
		{"no external ID", `{"AWS":"` + people + `"}`, external, false, "", "AccessDenied"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCloud(t, emulator.Options{})
			withTrust(c, row.principal, row.condition)
			_, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) {
				if row.withCode {
					in.SerialNumber, in.TokenCode = currentCode(t, c)
				}
				if row.externalID != "" {
					in.ExternalId = &row.externalID
				}
			})
			if got, _, _ := strings.Cut(fault(err), ":"); got != row.want {
				t.Errorf("%q, want %q", fault(err), row.want)
			}
		})
	}
}

// AWS does not reveal whether a role exists.
func TestRolesThatAreNotThereLookLikeRolesThatDoNotTrust(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	withTrust(c, `{"AWS":"999999999999"}`, "")
	untrusting := roleARN("Worker")
	_, want := assume(bobsClient(c), nil)
	for what, role := range map[string]string{
		"no such role":        roleARN("Nobody"),
		"another path":        roleARN("some/LongWorker"),
		"no such account":     "arn:aws:iam::777777777777:role/Worker",
		"a suspended account": "arn:aws:iam::" + suspended + ":role/Worker",
	} {
		_, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) { in.RoleArn = &role })
		if got := strings.ReplaceAll(fault(err), role, untrusting); got != fault(want) || err == nil {
			t.Errorf("%s: %q, want %q", what, got, fault(want))
		}
	}
}

// Source: IAM User Guide, "Pass session tags in AWS STS"; "Monitor and control
// actions taken with assumed roles".
func TestTagsAndSourceIdentityMustBeTrusted(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	withTrust(c, `{"AWS":"`+people+`"}`, "")
	for action, change := range map[string]func(*sts.AssumeRoleInput){
		"sts:TagSession":        func(in *sts.AssumeRoleInput) { in.Tags = tags("a", "b") },
		"sts:SetSourceIdentity": func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("Bob") },
	} {
		_, err := assume(bobsClient(c), change)
		if got := fault(err); !strings.Contains(got, "AccessDenied") || !strings.Contains(got, action) {
			t.Errorf("%s: %q", action, got)
		}
	}
}

func TestWrongCodeFailsBeforeTheRoleIsAuthorized(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	withTrust(c, `{"AWS":"999999999999"}`, "")
	serial, _ := currentCode(t, c)
	_, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) {
		in.SerialNumber, in.TokenCode = serial, aws.String("000000")
	})
	if got := fault(err); !strings.HasPrefix(got, "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.") {
		t.Errorf("%q", got)
	}
}

// AWS does not document whether a code in the call satisfies a Deny in the
// caller's own policies: both interpretations are tested.
func TestCodeInTheCallAndADenyOfTheCaller(t *testing.T) {
	for strict, want := range map[bool]string{false: "", true: "AccessDenied"} {
		c := newCloud(t, emulator.Options{Readings: operation.Readings{CodeInCallIsNotMFA: strict}})
		c.Update(func(w *world.World) { w.Edit(people).Users["bob"].Inline["deny"] = denyNoMFA })
		_, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) { in.SerialNumber, in.TokenCode = currentCode(t, c) })
		if got, _, _ := strings.Cut(fault(err), ":"); got != want {
			t.Errorf("code in the call is not MFA %t: %q, want %q", strict, fault(err), want)
		}
	}
}

func TestTokenWithMFAPassesADenyAndOneWithoutDoesNot(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	c.Update(func(w *world.World) { w.Edit(people).Users["bob"].Inline["deny"] = denyNoMFA })
	bob := bobsClient(c)
	without, err := bob.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatalf("no policy controls GetSessionToken: %v", err)
	}
	if _, err := assume(with(c, without.Credentials), nil); !strings.HasPrefix(fault(err), "AccessDenied") {
		t.Errorf("without MFA: %q", fault(err))
	}
	serial, shown := currentCode(t, c)
	mfa, err := bob.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: shown})
	if err != nil {
		t.Fatal(err)
	}
	role, err := assume(with(c, mfa.Credentials), nil)
	if err != nil {
		t.Fatalf("with MFA: %v", err)
	}
	who, err := with(c, role.Credentials).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:sts::"+work+":assumed-role/Worker/s1" {
		t.Errorf("the role session is %v, %v", who, err)
	}
	if _, err := bob.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: shown}); fault(err) != wrongCode {
		t.Errorf("the same code again: %q", fault(err))
	}
}

func TestSessionsEnd(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	out, err := bobsClient(c).GetSessionToken(context.Background(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	session := with(c, out.Credentials)
	c.Advance(899 * time.Second)
	if _, err := session.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("after 899 seconds: %v", err)
	}
	c.Advance(time.Second)
	if _, err := session.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{}); !strings.HasPrefix(fault(err), "ExpiredToken: ") {
		t.Errorf("after 900 seconds: %q", fault(err))
	}
}

// Source: IAM User Guide, "Policy evaluation logic", session policies.
func TestSessionPolicyLimitsTheRole(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	c.Update(func(w *world.World) { w.Edit(work).Roles["worker"].Inline["all"] = allowAll })
	onlyLists := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:List*","Resource":"*"}]}`
	out, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) { in.Policy = &onlyLists })
	if err != nil {
		t.Fatal(err)
	}
	creds := out.Credentials
	users := iam.NewFromConfig(config(c, *creds.AccessKeyId, *creds.SecretAccessKey, *creds.SessionToken))
	if _, err := users.ListUsers(context.Background(), &iam.ListUsersInput{}); err != nil {
		t.Errorf("what the session policy allows: %v", err)
	}
	_, err = users.CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("x")})
	if got := fault(err); !strings.HasPrefix(got, "AccessDenied: ") || !strings.Contains(got, "session policy") {
		t.Errorf("an action outside the session policy: %q", got)
	}
}

// Source: STS API Reference, GetFederationToken.
func TestFederatedUserCallsNothingInIAMAndOnlyItsIdentityInSTS(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	out, err := bobsClient(c).GetFederationToken(context.Background(), &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String(allowAll)})
	if err != nil {
		t.Fatal(err)
	}
	creds := out.Credentials
	guest := with(c, creds)
	who, err := guest.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != *out.FederatedUser.Arn || *who.UserId != *out.FederatedUser.FederatedUserId {
		t.Errorf("identity %v, %v", who, err)
	}
	if _, err := assume(guest, nil); !strings.HasPrefix(fault(err), "AccessDenied: ") {
		t.Errorf("AssumeRole: %q", fault(err))
	}
	users := iam.NewFromConfig(config(c, *creds.AccessKeyId, *creds.SecretAccessKey, *creds.SessionToken))
	if _, err := users.ListUsers(context.Background(), &iam.ListUsersInput{}); err == nil {
		t.Error("ListUsers is allowed")
	}
}

// The typed errors survive the wire.
func TestClientGetsTypedErrors(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	_, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{") })
	var malformed *types.MalformedPolicyDocumentException
	if !errors.As(err, &malformed) {
		t.Errorf("%T: %v", err, err)
	}
}

func TestChainCarriesWhatIsTransitive(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	c.Update(func(w *world.World) {
		w.Edit(work).Roles["worker"].Inline["all"] = allowAll
		w.Edit(work).Roles["longworker"].Trust = trusting("arn:aws:iam::" + work + ":role/Worker")
	})
	first, err := assume(bobsClient(c), func(in *sts.AssumeRoleInput) {
		in.Tags, in.TransitiveTagKeys, in.SourceIdentity = tags("Dept", "x", "cost", "7"), []string{"Dept"}, aws.String("Bob")
	})
	if err != nil {
		t.Fatal(err)
	}
	second, err := assume(with(c, first.Credentials), func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(roleARN("long/LongWorker")) })
	if err != nil {
		t.Fatal(err)
	}
	c.View(func(w *world.World) {
		s := w.Session(*second.Credentials.AccessKeyId)
		got := fmt.Sprintf("%s, %v %v %s", s.Credential, s.Tags, s.TransitiveTags, s.SourceIdentity)
		if want := policy.ChainedRole.String() + ", [{Dept x}] [Dept] Bob"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
