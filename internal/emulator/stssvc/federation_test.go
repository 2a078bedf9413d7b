package stssvc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
)

// anonymous has no credentials, as a workload outside AWS.
func anonymous(c *emulator.Cloud) *sts.Client {
	cfg := c.Config(aws.AnonymousCredentials{}, "us-east-1")
	return sts.NewFromConfig(cfg)
}

// federation is a cloud whose account people issues identity tokens that the role
// deployer of the account work trusts.
func federation(t *testing.T, clock func() time.Time, condition string) (c *emulator.Cloud, token func(algorithm string, audience ...string) string) {
	t.Helper()
	w := newWorld(t, "aws")
	w.Edit(people).Users["bob"].Inline = map[string]string{"all": allowAll}
	c = emulator.New(w, emulator.Options{Clock: clock, Seed: 1})
	ctx := context.Background()
	on, err := iam.NewFromConfig(config(c, "AKIABOBBOBBOBBOBBOB1", "secret", "")).EnableOutboundWebIdentityFederation(ctx, &iam.EnableOutboundWebIdentityFederationInput{})
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(*on.IssuerIdentifier, "https://")
	provider := "arn:aws:iam::" + work + ":oidc-provider/" + host
	c.Update(func(w *world.World) {
		a := w.Edit(work)
		a.OIDCProviders[provider] = &world.OIDCProvider{ARN: provider, URL: host, ClientIDs: []string{"deploy"}}
		a.Roles["deployer"] = newRole("deployer", "/", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"`+provider+
			`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":`+strings.ReplaceAll(condition, "HOST", host)+`}]}`)
	})
	return c, func(algorithm string, audience ...string) string {
		t.Helper()
		out, err := bobsClient(c).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: audience, SigningAlgorithm: &algorithm})
		if err != nil {
			t.Fatal(err)
		}
		return *out.WebIdentityToken
	}
}

func assumeWith(c *emulator.Cloud, token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return anonymous(c).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(roleARN("deployer")), RoleSessionName: aws.String("ci"), WebIdentityToken: &token,
	})
}

const ofBob = `{"StringEquals":{"HOST:sub":"` + bobsARN + `","HOST:aud":"deploy"}}`

func TestVerifiedIdentityTokensAssumeTheRoleThatTrustsThem(t *testing.T) {
	at := now
	c, token := federation(t, func() time.Time { return at }, ofBob)
	for _, algorithm := range []string{"RS256", "ES384"} {
		out, err := assumeWith(c, token(algorithm, "deploy"))
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		if *out.SubjectFromWebIdentityToken != bobsARN || *out.Audience != "deploy" || !strings.HasSuffix(*out.AssumedRoleUser.Arn, ":assumed-role/deployer/ci") {
			t.Errorf("%s: %+v", algorithm, out)
		}
		who, err := with(c, out.Credentials).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		if err != nil || *who.Account != work {
			t.Errorf("%s: the session is %+v, %v", algorithm, who, err)
		}
	}
}

func TestIdentityTokensThatCannotBeTrustedAreRefused(t *testing.T) {
	at := now
	c, token := federation(t, func() time.Time { return at }, ofBob)
	good := token("RS256", "deploy")
	part := strings.Split(good, ".")
	altered := func(change func(map[string]any)) string {
		var claims map[string]any
		text, _ := base64.RawURLEncoding.DecodeString(part[1])
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Fatal(err)
		}
		change(claims)
		text, _ = json.Marshal(claims)
		return part[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + part[2]
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	for name, row := range map[string]struct{ token, want string }{
		"text":                {"just some text", "InvalidIdentityToken"},
		"two parts":           {part[0] + "." + part[1], "InvalidIdentityToken"},
		"another subject":     {altered(func(c map[string]any) { c["sub"] = "arn:aws:iam::" + people + ":user/eve" }), "InvalidIdentityToken"},
		"a later expiration":  {altered(func(c map[string]any) { c["exp"] = now.Add(24 * time.Hour).Unix() }), "InvalidIdentityToken"},
		"no signature":        {none + "." + part[1] + ".", "InvalidIdentityToken"},
		"another algorithm":   {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES384"}`)) + "." + part[1] + "." + part[2], "InvalidIdentityToken"},
		"an unknown issuer":   {altered(func(c map[string]any) { c["iss"] = "https://token.example.com" }), "InvalidIdentityToken"},
		"another audience":    {token("RS256", "other"), "InvalidIdentityToken"},
		"no expiration":       {altered(func(c map[string]any) { delete(c, "exp") }), "InvalidIdentityToken"},
		"a token as it is":    {good, ""},
		"one of two is known": {token("ES384", "other", "deploy"), ""},
	} {
		_, err := assumeWith(c, row.token)
		if got := errorCode(err); got != row.want {
			t.Errorf("%s: %s, want %q (%v)", name, got, row.want, err)
		}
	}
	at = now.Add(6 * time.Minute)
	if _, err := assumeWith(c, good); errorCode(err) != "ExpiredTokenException" {
		t.Errorf("after it expired: %v", err)
	}
}

func TestIssuersThatCannotBeAskedAreRefused(t *testing.T) {
	c, token := federation(t, func() time.Time { return now }, ofBob)
	good := token("RS256", "deploy")
	if _, err := iam.NewFromConfig(config(c, "AKIABOBBOBBOBBOBBOB1", "secret", "")).DisableOutboundWebIdentityFederation(context.Background(), &iam.DisableOutboundWebIdentityFederationInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := assumeWith(c, good)
	if errorCode(err) != "InvalidIdentityToken" || !strings.Contains(err.Error(), "Couldn't retrieve verification key") {
		t.Errorf("%v", err)
	}
}

func TestTrustPoliciesDecideAboutClaims(t *testing.T) {
	c, token := federation(t, func() time.Time { return now }, `{"StringEquals":{"HOST:sub":"somebody else"}}`)
	_, err := assumeWith(c, token("RS256", "deploy"))
	if errorCode(err) != "AccessDenied" || !strings.Contains(err.Error(), "Not authorized to perform sts:AssumeRoleWithWebIdentity") {
		t.Errorf("another subject: %v", err)
	}
	_, err = anonymous(c).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(roleARN("nobody")), RoleSessionName: aws.String("ci"), WebIdentityToken: aws.String(token("RS256", "deploy")),
	})
	if errorCode(err) != "AccessDenied" {
		t.Errorf("a role that does not exist: %v", err)
	}
}

func TestOnlyTheOperationsForItNeedNoSignature(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	ctx := context.Background()
	if _, err := anonymous(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); errorCode(err) != "MissingAuthenticationToken" {
		t.Errorf("GetCallerIdentity: %v", err)
	}
	if _, err := anonymous(c).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("x1")}); errorCode(err) != "MissingAuthenticationToken" {
		t.Errorf("AssumeRole: %v", err)
	}
}

// An assertion is never accepted, because its signature cannot be verified.
func TestAssertionsAreRefused(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	provider := "arn:aws:iam::" + work + ":saml-provider/corp"
	in := &sts.AssumeRoleWithSAMLInput{RoleArn: aws.String(roleARN("Worker")), PrincipalArn: &provider, SAMLAssertion: aws.String("PHNhbWw+")}
	_, err := anonymous(c).AssumeRoleWithSAML(context.Background(), in)
	if errorCode(err) != "InvalidIdentityToken" || !strings.Contains(err.Error(), "Specified provider doesn't exist") {
		t.Errorf("without a provider: %v", err)
	}
	for valid, want := range map[time.Duration]string{time.Hour: "InvalidIdentityToken", -time.Hour: "ExpiredTokenException"} {
		c.Update(func(w *world.World) {
			w.Edit(work).SAMLProviders[provider] = &world.SAMLProvider{ARN: provider, Name: "corp", ValidUntil: now.Add(valid)}
		})
		if _, err := anonymous(c).AssumeRoleWithSAML(context.Background(), in); errorCode(err) != want {
			t.Errorf("valid for %s: %v, want %s", valid, err, want)
		}
	}
}

func TestRootSessionsDoOneTask(t *testing.T) {
	w := newWorld(t, "aws")
	w.Edit(people).Users["bob"].Inline = map[string]string{"all": allowAll}
	w.Organization = &world.Organization{ID: "o-exampleorg", ManagementAccount: people, FeatureSet: "ALL", RootFeatures: []string{"RootCredentialsManagement"}}
	w.Edit(people).Unit, w.Edit(work).Unit = "r-root", "r-root"
	c := emulator.New(w, emulator.Options{Clock: func() time.Time { return now }, Seed: 1})
	ctx := context.Background()
	assume := func(account, task string) (*sts.AssumeRootOutput, error) {
		return bobsClient(c).AssumeRoot(ctx, &sts.AssumeRootInput{
			TargetPrincipal: &account, TaskPolicyArn: &types.PolicyDescriptorType{Arn: aws.String("arn:aws:iam::aws:policy/root-task/" + task)},
		})
	}
	for _, row := range []struct{ account, task, want string }{
		{work, "IAMAuditRootUserCredentials", ""}, {work, "S3UnlockBucketPolicy", "AccessDenied"}, {people, "IAMAuditRootUserCredentials", "AccessDenied"},
		{"999999999999", "IAMAuditRootUserCredentials", "AccessDenied"}, {work, "AdministratorAccess", "ValidationError"},
	} {
		if _, err := assume(row.account, row.task); errorCode(err) != row.want {
			t.Errorf("%s of %s: %v, want %q", row.task, row.account, err, row.want)
		}
	}
	out, err := assume(work, "IAMAuditRootUserCredentials")
	if err != nil {
		t.Fatal(err)
	}
	if lasts := out.Credentials.Expiration.Sub(now.Truncate(time.Second)); lasts != 15*time.Minute {
		t.Errorf("the session lasts %s", lasts)
	}
	rootIAM := iam.NewFromConfig(config(c, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
	if _, err := rootIAM.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{}); err != nil {
		t.Errorf("the task: %v", err)
	}
	if _, err := rootIAM.ListUsers(ctx, &iam.ListUsersInput{}); errorCode(err) != "AccessDenied" {
		t.Errorf("another call: %v", err)
	}
}

func TestMessagesAndTokensThatNobodyIssuedAreRefused(t *testing.T) {
	c := newCloud(t, emulator.Options{})
	ctx := context.Background()
	if _, err := bobsClient(c).DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("x")}); errorCode(err) != "InvalidAuthorizationMessageException" {
		t.Errorf("DecodeAuthorizationMessage: %v", err)
	}
	if _, err := bobsClient(c).GetDelegatedAccessToken(ctx, &sts.GetDelegatedAccessTokenInput{TradeInToken: aws.String("x")}); errorCode(err) != "ExpiredTradeInTokenException" {
		t.Errorf("GetDelegatedAccessToken: %v", err)
	}
}

func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
