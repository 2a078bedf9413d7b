package emulator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

func stsOf(c *Cloud, creds aws.CredentialsProvider) *sts.Client {
	return sts.NewFromConfig(c.Config(creds, "us-east-1"))
}

// whoami returns the caller's ARN or the error code.
func whoami(t *testing.T, c *Cloud, creds aws.CredentialsProvider) string {
	t.Helper()
	out, err := stsOf(c, creds).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		return code(t, err)
	}
	return *out.Arn
}

func editUser(c *Cloud, name string, f func(*world.User)) {
	c.Update(func(w *world.World) { f(w.Edit(member).Users[name]) })
}

func TestInactiveKeyIsRefused(t *testing.T) {
	c := newCloud(t, Options{})
	editUser(c, "alice", func(u *world.User) { u.Keys[0].Active = false })
	if got := whoami(t, c, as("alice")); got != "InvalidClientTokenId" {
		t.Errorf("got %s", got)
	}
}

func TestKeysOfASuspendedAccountAreRefused(t *testing.T) {
	c := newCloud(t, Options{})
	c.Update(func(w *world.World) { w.Edit(member).State = "SUSPENDED" })
	if got := whoami(t, c, as("alice")); got != "InvalidClientTokenId" {
		t.Errorf("got %s", got)
	}
}

func TestSessionEndsOnTime(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	creds := sessionOf(t, c, as("bob"), 900, "")
	c.Advance(899 * time.Second)
	if got := whoami(t, c, with(creds)); got != "arn:aws:iam::222222222222:user/bob" {
		t.Errorf("before the end: %s", got)
	}
	c.Advance(2 * time.Second)
	if got := whoami(t, c, with(creds)); got != "ExpiredToken" {
		t.Errorf("after the end: %s", got)
	}
}

func TestSessionNeedsItsToken(t *testing.T) {
	c := newCloud(t, Options{})
	creds := sessionOf(t, c, as("bob"), 900, "")
	for _, token := range []string{"", creds.SessionToken + "x"} {
		creds.SessionToken = token
		if got := whoami(t, c, with(creds)); got != "InvalidClientTokenId" {
			t.Errorf("token %q: got %s", token, got)
		}
	}
}

func TestSessionEndsWithItsUser(t *testing.T) {
	for name, change := range map[string]func(w *world.World){
		"deleted": func(w *world.World) { delete(w.Edit(member).Users, "bob") },
		"another of the same name": func(w *world.World) {
			w.Edit(member).Users["bob"].Created = time.Now().Add(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, Options{})
			creds := sessionOf(t, c, as("bob"), 900, "")
			c.Update(change)
			if got := whoami(t, c, with(creds)); got != "InvalidClientTokenId" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// sessionOf returns a session of GetSessionToken; code may be empty.
func sessionOf(t *testing.T, c *Cloud, creds aws.CredentialsProvider, seconds int32, code string) aws.Credentials {
	t.Helper()
	in := &sts.GetSessionTokenInput{DurationSeconds: &seconds}
	if code != "" {
		in.SerialNumber, in.TokenCode = &serial, &code
	}
	out, err := stsOf(c, creds).GetSessionToken(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
}

// keysOf returns the condition keys of a credential that depend on its origin,
// 100 seconds later.
func keysOf(t *testing.T, c *Cloud, accessKeyID string, issued time.Time) map[string][]string {
	t.Helper()
	caller, err := c.Caller(accessKeyID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	c.View(func(w *world.World) {
		x := c.conditions(&operation.Call{World: w, Caller: caller, Now: issued.Add(100 * time.Second)}, origin{})
		for _, key := range []string{"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:username", "aws:PrincipalType", "aws:PrincipalArn", "aws:TokenIssueTime"} {
			if values, ok := x.Get(key); ok {
				got[key] = values
			}
		}
	})
	return got
}

// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent, and observations.
func TestConditionKeysOfEachCredential(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	issue := func(s *world.Session) string {
		s.Account, s.Issued, s.Expires = member, noon, noon.Add(time.Hour)
		if s.Credential == policy.FederationToken || s.Role != "" {
			s.Name = "session"
		}
		var key string
		c.Update(func(*world.World) { key = c.mint(s).AccessKeyID })
		return key
	}
	const (
		bobARN  = "arn:aws:iam::222222222222:user/bob"
		roleARN = "arn:aws:iam::222222222222:role/Operator"
	)
	user := func(more map[string][]string) map[string][]string {
		want := map[string][]string{"aws:username": {"bob"}, "aws:PrincipalType": {"User"}, "aws:PrincipalArn": {bobARN}}
		for key, values := range more {
			want[key] = values
		}
		return want
	}
	role := func(more map[string][]string) map[string][]string {
		want := map[string][]string{"aws:PrincipalType": {"AssumedRole"}, "aws:PrincipalArn": {roleARN}, "aws:TokenIssueTime": {"2026-03-04T12:00:00Z"}}
		for key, values := range more {
			want[key] = values
		}
		return want
	}
	without := map[string][]string{"aws:MultiFactorAuthPresent": {"false"}, "aws:TokenIssueTime": {"2026-03-04T12:00:00Z"}}
	with := map[string][]string{"aws:MultiFactorAuthPresent": {"true"}, "aws:MultiFactorAuthAge": {"100"}, "aws:TokenIssueTime": {"2026-03-04T12:00:00Z"}}
	for _, row := range []struct {
		name string
		key  string
		want map[string][]string
	}{
		{"long-term key", keyOf("bob"), user(nil)},
		{"session without a code", issue(&world.Session{User: "bob", Credential: policy.SessionToken, Present: policy.False}), user(without)},
		{"session with a code", issue(&world.Session{User: "bob", Credential: policy.SessionTokenMFA, Present: policy.True, MFAAt: noon}), user(with)},
		{"console without MFA", issue(&world.Session{User: "bob", Credential: policy.ConsolePassword, Present: policy.False}), user(without)},
		{"console with MFA", issue(&world.Session{User: "bob", Credential: policy.ConsoleMFA, Present: policy.True, MFAAt: noon}), user(with)},
		{"role from a call with a code", issue(&world.Session{Role: "operator", Credential: policy.RoleFromCode, Present: policy.False}), role(without)},
		{"role from a session with MFA, as documented", issue(&world.Session{Role: "operator", Credential: policy.RoleFromMFA, Present: policy.False}), role(without)},
		{
			"role from a session with MFA, as observed: the age counts from the code",
			issue(&world.Session{Role: "operator", Credential: policy.RoleFromMFA, Present: policy.True, MFAAt: noon.Add(-time.Minute)}),
			role(map[string][]string{"aws:MultiFactorAuthPresent": {"true"}, "aws:MultiFactorAuthAge": {"160"}}),
		},
		{"chained role", issue(&world.Session{Role: "operator", Credential: policy.ChainedRole, Present: policy.False}), role(without)},
		{"federated role", issue(&world.Session{Role: "operator", Credential: policy.FederatedRole, Present: policy.False}), role(without)},
		{
			"federation token", issue(&world.Session{User: "bob", Credential: policy.FederationToken, Present: policy.False}),
			map[string][]string{
				"aws:MultiFactorAuthPresent": {"false"}, "aws:TokenIssueTime": {"2026-03-04T12:00:00Z"},
				"aws:PrincipalType": {"FederatedUser"}, "aws:PrincipalArn": {"arn:aws:sts::222222222222:federated-user/session"},
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, keysOf(t, c, row.key, noon)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestConditionKeysOfOrganizationAndTags(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	caller, err := c.Caller(keyOf("bob"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"aws:userid": {idOf("bob")}, "aws:PrincipalAccount": {member}, "aws:PrincipalTag/team": {"blue"},
		"aws:PrincipalOrgID": {"o-example111"}, "aws:PrincipalOrgPaths": {"o-example111/r-root/ou-work/"},
		"aws:SourceIp": {"192.0.2.1"}, "aws:UserAgent": {"agent"}, "aws:SecureTransport": {"true"}, "aws:ViaAWSService": {"false"},
		"aws:RequestedRegion": {"eu-west-1"}, "aws:CurrentTime": {"2026-03-04T12:00:00Z"}, "aws:EpochTime": {"1772625600"},
	}
	got := map[string][]string{}
	c.View(func(w *world.World) {
		x := c.conditions(&operation.Call{World: w, Caller: caller, Now: noon}, origin{ip: "192.0.2.1", agent: "agent", region: "eu-west-1"})
		for key := range want {
			got[key], _ = x.Get(key)
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForceMFADeniesUntilACodeIsGiven(t *testing.T) {
	c := newCloud(t, Options{})
	list := func(creds aws.CredentialsProvider) string {
		_, err := iamOf(c, creds).ListGroups(context.Background(), &iam.ListGroupsInput{})
		return code(t, err)
	}
	if got := list(as("bob")); got != "AccessDenied" {
		t.Errorf("with the key alone: %q", got)
	}
	if got := list(with(sessionOf(t, c, as("bob"), 900, ""))); got != "InvalidClientTokenId" {
		t.Errorf("with a session without a code: %q", got)
	}
	if got := list(with(sessionOf(t, c, as("bob"), 900, world.CodeAt(seed, c.Now())))); got != "" {
		t.Errorf("with a session with a code: %q", got)
	}
}

func TestSignInToTheConsole(t *testing.T) {
	for _, row := range []struct {
		name, user, password string
		code                 func(c *Cloud) string
		prepare              func(*world.User)
		want                 error
		may                  string // what ListGroups then says
	}{
		{name: "with a code", user: "bob", password: password, code: func(c *Cloud) string { return world.CodeAt(seed, c.Now()) }},
		{name: "without a code", user: "bob", password: password, want: ErrCodeMissing},
		{name: "with a wrong code", user: "bob", password: password, code: func(*Cloud) string { return "000000" }, want: world.ErrWrongCode},
		{name: "with a security key that there is not", user: "bob", password: password, code: func(*Cloud) string { return SecurityKey }, want: ErrNoSuchDevice},
		{name: "with a security key", user: "fay", password: password, code: func(*Cloud) string { return SecurityKey }},
		{name: "with a code but a security key", user: "fay", password: password, code: func(*Cloud) string { return "123456" }, want: ErrNoSuchDevice},
		{name: "with a wrong password", user: "bob", password: "wrong", want: ErrSignIn},
		{name: "nobody", user: "nobody", password: password, want: ErrSignIn},
		{name: "without a login profile", user: "alice", password: "", want: ErrSignIn},
		{
			name: "to change the password", user: "bob", password: password, code: func(c *Cloud) string { return world.CodeAt(seed, c.Now()) },
			prepare: func(u *world.User) { u.Login.ResetRequired = true }, want: ErrResetRequired,
		},
		{
			name: "without a device", user: "alice", password: password,
			prepare: func(u *world.User) {
				u.Login = &world.Login{Password: password}
				u.Inline["policy"] = forceMFA
			},
			may: "AccessDenied",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCloud(t, Options{})
			if row.prepare != nil {
				editUser(c, row.user, row.prepare)
			}
			given := ""
			if row.code != nil {
				given = row.code(c)
			}
			creds, err := c.SignIn(member, row.user, row.password, given)
			if !errors.Is(err, row.want) {
				t.Fatalf("error is %v, want %v", err, row.want)
			}
			if row.want != nil {
				return
			}
			_, err = iamOf(c, with(creds)).ListGroups(context.Background(), &iam.ListGroupsInput{})
			if got := code(t, err); got != row.may {
				t.Errorf("ListGroups: %q, want %q", got, row.may)
			}
			c.View(func(w *world.World) {
				if used := w.Account(member).Users[row.user].Login.Used; time.Since(used) > time.Minute {
					t.Errorf("the password was last used at %s", used)
				}
			})
		})
	}
}

func TestRoleSessionForSetUp(t *testing.T) {
	c := newCloud(t, Options{})
	creds, err := c.AssumeAs(member, "Operator", "rehearsal")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := whoami(t, c, with(creds)), "arn:aws:sts::222222222222:assumed-role/Operator/rehearsal"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := c.AssumeAs(member, "Nobody", "rehearsal"); err == nil {
		t.Error("a role that there is not was assumed")
	}
}

func TestControlPoliciesBindMembersAtEveryLevel(t *testing.T) {
	deny := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ListGroups","Resource":"*"}}`
	for _, row := range []struct {
		name    string
		prepare func(*world.World)
		caller  string
		want    string
	}{
		{"full access everywhere", func(*world.World) {}, "alice", ""},
		{"a deny at the root", func(w *world.World) { w.EditOrganization().Units[0].SCPs = []string{"p-full", "p-deny"} }, "alice", "with an explicit deny in a service control policy"},
		{"a deny at the unit", func(w *world.World) { w.EditOrganization().Units[1].SCPs = []string{"p-full", "p-deny"} }, "alice", "with an explicit deny in a service control policy"},
		{"a deny at the account", func(w *world.World) { w.Edit(member).SCPs = []string{"p-full", "p-deny"} }, "alice", "with an explicit deny in a service control policy"},
		{"nothing allowed at one level", func(w *world.World) { w.EditOrganization().Units[1].SCPs = nil }, "alice", "because no service control policy allows the iam:ListGroups action"},
		{"the management account", func(w *world.World) { w.EditOrganization().Units[0].SCPs = []string{"p-full", "p-deny"} }, "root-admin", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCloud(t, Options{})
			c.Update(func(w *world.World) {
				w.EditOrganization().SCPs["p-deny"] = org.SCP{ID: "p-deny", Name: "deny", Document: deny}
				row.prepare(w)
			})
			_, err := iamOf(c, as(row.caller)).ListGroups(context.Background(), &iam.ListGroupsInput{})
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestPolicyVariablesHoldTheCaller(t *testing.T) {
	own := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"}}`
	c := newCloud(t, Options{})
	editUser(c, "bob", func(u *world.User) { u.Inline["policy"] = own })
	for name, want := range map[string]string{"bob": "", "fay": "AccessDenied"} {
		_, err := iamOf(c, as("bob")).GetUser(context.Background(), &iam.GetUserInput{UserName: &name})
		if got := code(t, err); got != want {
			t.Errorf("bob reads %s: %q, want %q", name, got, want)
		}
	}
}

// Source: IAM User Guide, "Troubleshoot access denied error messages".
func TestDenialsHaveAWSMessages(t *testing.T) {
	const who = "User: arn:aws:iam::222222222222:user/bob is not authorized to perform: iam:GetUser on resource: arn:aws:iam::222222222222:user/bob "
	statement := func(effect string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Action":"iam:GetUser","Resource":"*"}}`
	}
	for _, row := range []struct {
		name, document, boundary, want string
	}{
		{"explicit", statement("Deny"), "", who + "with an explicit deny in an identity-based policy"},
		{"implicit", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "", who + "because no identity-based policy allows the iam:GetUser action"},
		{"boundary", statement("Allow"), "arn:aws:iam::aws:policy/AmazonS3FullAccess", who + "because no permissions boundary allows the iam:GetUser action"},
		{"undecided", statement("Allow"), "arn:aws:iam::222222222222:policy/gone", "The embedded AWS refuses a request that it cannot decide."},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCloud(t, Options{})
			editUser(c, "bob", func(u *world.User) { u.Inline["policy"], u.Boundary = row.document, row.boundary })
			_, err := iamOf(c, as("bob")).GetUser(context.Background(), &iam.GetUserInput{})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

// Two users may give their federated sessions the same name.
func TestFederatedSessionHasItsOwnUsersRights(t *testing.T) {
	c := newCloud(t, Options{})
	editUser(c, "fay", func(u *world.User) {
		u.Inline["policy"] = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:*","dynamodb:ListTables"],"Resource":"*"}}`
	})
	for user, want := range map[string]int{"alice": 200, "fay": 403} {
		out, err := stsOf(c, as(user)).GetFederationToken(context.Background(), &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String(administrator)})
		if err != nil {
			t.Fatal(err)
		}
		s := queryRequest("ec2", "Action=DescribeInstances&Version=2016-11-15")
		s.at = c.Now()
		s.creds = aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
		if status, body := serve(c, s.sign(t)); status != want {
			t.Errorf("the session of %s: status %d, want %d:\n%s", user, status, want, body)
		}
	}
}

// Source: IAM API Reference, UpdateAccountPasswordPolicy, MaxPasswordAge, HardExpiry.
func TestPasswordsExpire(t *testing.T) {
	now := noon
	c := newCloud(t, Options{Clock: func() time.Time { return now }})
	editUser(c, "alice", func(u *world.User) { u.Login = &world.Login{Created: noon, Changed: noon, Password: password} })
	for _, row := range []struct {
		hard bool
		age  int
		want error
	}{{false, 89, nil}, {false, 90, ErrResetRequired}, {true, 89, nil}, {true, 90, ErrExpired}} {
		c.Update(func(w *world.World) {
			w.Edit(member).PasswordPolicy = &world.PasswordPolicy{MinimumLength: 8, MaxAge: 90, HardExpiry: row.hard}
		})
		now = noon.AddDate(0, 0, row.age)
		if _, err := c.SignIn(member, "alice", password, ""); !errors.Is(err, row.want) {
			t.Errorf("after %d days, hard expiry %v: %v, want %v", row.age, row.hard, err, row.want)
		}
	}
}

// A session belongs to a user, whatever the user's name is later, and not to another user
// who takes the name.
func TestSessionsFollowTheirUserNotTheName(t *testing.T) {
	c := newCloud(t, Options{})
	sessionOf := func(name string) *sts.Client {
		key, err := iamOf(c, as("alice")).CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
		if err != nil {
			t.Fatal(err)
		}
		own := with(aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey})
		out, err := sts.NewFromConfig(c.Config(own, "us-east-1")).GetSessionToken(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := iamOf(c, as("alice")).DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: key.AccessKey.AccessKeyId}); err != nil {
			t.Fatal(err)
		}
		session := aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
		return sts.NewFromConfig(c.Config(with(session), "us-east-1"))
	}
	client := iamOf(c, as("alice"))
	for _, name := range []string{"first", "second"} {
		if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := sessionOf("first"), sessionOf("second")
	if _, err := client.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("second")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateUser(t.Context(), &iam.UpdateUserInput{UserName: aws.String("first"), NewUserName: aws.String("second")}); err != nil {
		t.Fatal(err)
	}
	if out, err := first.GetCallerIdentity(t.Context(), nil); err != nil || !strings.HasSuffix(*out.Arn, ":user/second") {
		t.Errorf("the session of the renamed user: %v %v", out, err)
	}
	if out, err := second.GetCallerIdentity(t.Context(), nil); code(t, err) != "InvalidClientTokenId" {
		t.Errorf("the session of the deleted user: %v %v", out, err)
	}
}
