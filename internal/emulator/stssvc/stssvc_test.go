package stssvc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// Source: IAM User Guide, "Policy variables", table of principal key values.
func TestCallerIdentityNamesEveryKindOfCaller(t *testing.T) {
	w := newWorld(t, "aws")
	for _, c := range []struct {
		who                  string
		caller               world.Caller
		account, arn, userID string
	}{
		{"user", bob(w, nil), people, "arn:aws:iam::" + people + ":user/Bob", "AIDABOBBOBBOBBOBBOB01"},
		{"role session", worker(w, world.Session{}), work, "arn:aws:sts::" + work + ":assumed-role/Worker/bobs-session", "AROAWorkerXXXXXXXXXXX:bobs-session"},
		{"federated user", federated(w), people, "arn:aws:sts::" + people + ":federated-user/guest", people + ":guest"},
		{"root", root(w), people, "arn:aws:iam::" + people + ":root", people},
	} {
		t.Run(c.who, func(t *testing.T) {
			out, err := do[sts.GetCallerIdentityOutput](w, c.caller, "GetCallerIdentity", &sts.GetCallerIdentityInput{})
			want := &sts.GetCallerIdentityOutput{Account: &c.account, Arn: &c.arn, UserId: &c.userID}
			if diff := cmp.Diff(want, out, cmpopts.IgnoreUnexported(sts.GetCallerIdentityOutput{}, middleware.Metadata{})); err != nil || diff != "" {
				t.Errorf("error %v, identity (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAccessKeyInfoTellsTheAccountOfAnyKnownKey(t *testing.T) {
	w := newWorld(t, "aws")
	made, err := do[sts.GetSessionTokenOutput](w, bob(w, nil), "GetSessionToken", &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"AKIABOBBOBBOBBOBBOB1":        people,
		*made.Credentials.AccessKeyId: people,
		"AKIANOBODYNOBODYNOBO":        "ValidationError: The access key ID does not exist.",
		"short":                       "ValidationError: 1 validation error detected: Value 'short' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16",
	} {
		out, err := do[sts.GetAccessKeyInfoOutput](w, bob(w, nil), "GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: &key})
		got := fault(err)
		if err == nil {
			got = *out.Account
		}
		if got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// Source: STS API Reference, GetSessionToken, AssumeRole, GetFederationToken.
func TestWhoMayCallWhat(t *testing.T) {
	w := newWorld(t, "aws")
	session := &world.Session{Account: people, User: "bob", Credential: policy.SessionTokenMFA, Present: policy.True}
	callers := []struct {
		name   string
		caller world.Caller
	}{
		{"user", bob(w, nil)}, {"user's session", bob(w, session)}, {"root", root(w)},
		{"role session", worker(w, world.Session{})}, {"federated user", federated(w)},
	}
	inputs := map[string]any{
		"GetCallerIdentity":  &sts.GetCallerIdentityInput{},
		"GetSessionToken":    &sts.GetSessionTokenInput{},
		"GetFederationToken": &sts.GetFederationTokenInput{Name: aws.String("guest")},
		"AssumeRole":         &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")},
	}
	want := map[string]string{
		"user's session GetSessionToken":    "AccessDenied: Cannot call GetSessionToken with session credentials",
		"user's session GetFederationToken": "AccessDenied: Cannot call GetFederationToken with session credentials",
		"role session GetSessionToken":      "AccessDenied: Cannot call GetSessionToken with session credentials",
		"role session GetFederationToken":   "AccessDenied: Cannot call GetFederationToken with session credentials",
		"federated user GetSessionToken":    "AccessDenied: Cannot call GetSessionToken with session credentials",
		"federated user GetFederationToken": "AccessDenied: Cannot call GetFederationToken with session credentials",
		"federated user AssumeRole":         "AccessDenied: Cannot call AssumeRole with the credentials of GetFederationToken",
		"root AssumeRole":                   "AccessDenied: Roles may not be assumed by root accounts.",
	}
	got := map[string]string{}
	for name, in := range inputs {
		for _, c := range callers {
			var err error
			switch name {
			case "GetCallerIdentity":
				_, err = do[sts.GetCallerIdentityOutput](w, c.caller, name, in)
			case "GetSessionToken":
				_, err = do[sts.GetSessionTokenOutput](w, c.caller, name, in)
			case "GetFederationToken":
				_, err = do[sts.GetFederationTokenOutput](w, c.caller, name, in)
			case "AssumeRole":
				_, err = do[sts.AssumeRoleOutput](w, c.caller, name, in)
			}
			if err != nil {
				got[c.name+" "+name] = fault(err)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestOnlyAuthenticationNeedsNoPermission(t *testing.T) {
	w := newWorld(t, "aws")
	got := map[string]bool{}
	for name, in := range map[string]any{
		"GetCallerIdentity":  &sts.GetCallerIdentityInput{},
		"GetSessionToken":    &sts.GetSessionTokenInput{},
		"GetFederationToken": &sts.GetFederationTokenInput{Name: aws.String("guest")},
		"GetAccessKeyInfo":   &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIABOBBOBBOBBOBBOB1")},
		"AssumeRole":         &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")},
	} {
		got[name] = asks(t, w, bob(w, nil), name, in)[0].Unconditional
	}
	want := map[string]bool{
		"GetCallerIdentity": true, "GetSessionToken": true,
		"GetFederationToken": false, "GetAccessKeyInfo": false, "AssumeRole": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unconditional (-want +got):\n%s", diff)
	}
}

const (
	wrongCode   = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice = "AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
)

func code(t *testing.T, w *world.World, serial string, at time.Time) string {
	t.Helper()
	c, err := w.Code(serial, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Sources: IAM User Guide, "AWS multi-factor authentication in IAM"; messages as
// reported in aws/aws-cli#2279 and aws/aws-cli#6325.
func TestCodesAreCheckedAgainstTheCallersOwnDevice(t *testing.T) {
	prefix := "arn:aws:iam::" + people + ":"
	for _, c := range []struct {
		name, serial, codeOf string // codeOf: the device whose code is sent, or the code
		want                 string
	}{
		{"own phone", phone("aws"), phone("aws"), ""},
		{"own token", "GAHT12345678", "GAHT12345678", ""},
		{"wrong code", phone("aws"), "000000", wrongCode},
		{"code of another device", phone("aws"), "GAHT12345678", wrongCode},
		{"another user's device", prefix + "mfa/eve", prefix + "mfa/eve", wrongDevice},
		{"unassigned device", prefix + "mfa/nobody", prefix + "mfa/nobody", wrongDevice},
		{"root's device", prefix + "mfa/root-account-mfa-device", prefix + "mfa/root-account-mfa-device", wrongDevice},
		{"security key", prefix + "u2f/user/Bob/key", "000000", wrongDevice},
		{"no such device", prefix + "mfa/none", "000000", wrongDevice},
		{"code without device", "", phone("aws"), "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "},
		{"device without code", phone("aws"), "", "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "aws")
			in := &sts.GetSessionTokenInput{}
			if c.serial != "" {
				in.SerialNumber = &c.serial
			}
			if c.codeOf != "" {
				in.TokenCode = &c.codeOf
				if len(c.codeOf) != 6 {
					in.TokenCode = aws.String(code(t, w, c.codeOf, now))
				}
			}
			_, err := do[sts.GetSessionTokenOutput](w, bob(w, nil), "GetSessionToken", in)
			if got := fault(err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Source: aws/aws-cli#2279: a code is good for one call.
func TestCodeWorksOnce(t *testing.T) {
	w := newWorld(t, "aws")
	shown := code(t, w, phone("aws"), now)
	token := &sts.GetSessionTokenInput{SerialNumber: aws.String(phone("aws")), TokenCode: &shown}
	assume := &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"), SerialNumber: token.SerialNumber, TokenCode: &shown,
	}
	if _, err := do[sts.GetSessionTokenOutput](w, bob(w, nil), "GetSessionToken", token); err != nil {
		t.Fatal(err)
	}
	if _, err := do[sts.AssumeRoleOutput](w, bob(w, nil), "AssumeRole", assume); fault(err) != wrongCode {
		t.Errorf("the same code again: %q", fault(err))
	}
	later := now.Add(30 * time.Second)
	assume.TokenCode = aws.String(code(t, w, phone("aws"), later))
	if _, err := doAt[sts.AssumeRoleOutput](&operation.Call{World: w, Caller: bob(w, nil), Now: later}, "AssumeRole", assume); err != nil {
		t.Errorf("the next code: %v", err)
	}
}

// A role session has no devices, and a user's session may use the user's.
func TestSessionsAndCodes(t *testing.T) {
	w := newWorld(t, "aws")
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"),
		SerialNumber: aws.String(phone("aws")), TokenCode: aws.String(code(t, w, phone("aws"), now)),
	}
	_, err := do[sts.AssumeRoleOutput](w, worker(w, world.Session{}), "AssumeRole", in)
	if got := fault(err); !strings.HasPrefix(got, "AccessDenied: MultiFactorAuthentication failed") {
		t.Errorf("role session with a code: %q", got)
	}
	session := &world.Session{Account: people, User: "bob", Credential: policy.SessionToken, Present: policy.False}
	if _, err := do[sts.AssumeRoleOutput](w, bob(w, session), "AssumeRole", in); err != nil {
		t.Errorf("user's session with a code: %v", err)
	}
}

func TestDurations(t *testing.T) {
	const exceeds = "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	tooSmall := func(n string) string {
		return "ValidationError: 1 validation error detected: Value '" + n + "' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
	}
	tooLarge := func(n, most string) string {
		return "ValidationError: 1 validation error detected: Value '" + n + "' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to " + most
	}
	w := newWorld(t, "aws")
	user := bob(w, nil)
	session := bob(w, &world.Session{Account: people, User: "bob", Credential: policy.SessionTokenMFA, Present: policy.True})
	chain := worker(w, world.Session{})
	for _, c := range []struct {
		name   string
		caller world.Caller
		call   string
		asked  int32 // 0: not set
		want   string
	}{
		{"token, default", user, "token", 0, "12h0m0s"},
		{"token, shortest", user, "token", 900, "15m0s"},
		{"token, longest", user, "token", 129600, "36h0m0s"},
		{"token, too short", user, "token", 899, tooSmall("899")},
		{"token, too long", user, "token", 129601, tooLarge("129601", "129600")},
		{"token for root, default", root(w), "token", 0, "1h0m0s"},
		{"token for root, longer", root(w), "token", 7200, "1h0m0s"},
		{"token for root, shorter", root(w), "token", 900, "15m0s"},
		{"federation, default", user, "federation", 0, "12h0m0s"},
		{"federation, longest", user, "federation", 129600, "36h0m0s"},
		{"federation for root", root(w), "federation", 129600, "1h0m0s"},
		{"role, default", user, "Worker", 0, "1h0m0s"},
		{"role, more than its maximum", user, "Worker", 3601, exceeds},
		{"role, too long", user, "Worker", 43201, tooLarge("43201", "43200")},
		{"long role, default", user, "long/LongWorker", 0, "1h0m0s"},
		{"long role, longest", user, "long/LongWorker", 43200, "12h0m0s"},
		{"long role from a session", session, "long/LongWorker", 3601, exceeds},
		{"long role from a session, one hour", session, "long/LongWorker", 3600, "1h0m0s"},
		{"long role from a role", chain, "long/LongWorker", 3601, "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"},
		{"long role from a role, one hour", chain, "long/LongWorker", 3600, "1h0m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			creds, err := credentials(w, c.caller, c.call, c.asked)
			got := fault(err)
			if err == nil {
				got = creds.Expiration.Sub(now).String()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// credentials gets a token, a federation token, or a session of a role.
func credentials(w *world.World, caller world.Caller, call string, asked int32) (*types.Credentials, error) {
	var seconds *int32
	if asked != 0 {
		seconds = &asked
	}
	switch call {
	case "token":
		out, err := do[sts.GetSessionTokenOutput](w, caller, "GetSessionToken", &sts.GetSessionTokenInput{DurationSeconds: seconds})
		if err != nil {
			return nil, err
		}
		return out.Credentials, nil
	case "federation":
		out, err := do[sts.GetFederationTokenOutput](w, caller, "GetFederationToken", &sts.GetFederationTokenInput{Name: aws.String("guest"), DurationSeconds: seconds})
		if err != nil {
			return nil, err
		}
		return out.Credentials, nil
	}
	out, err := do[sts.AssumeRoleOutput](w, caller, "AssumeRole", &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN(call)), RoleSessionName: aws.String("s1"), DurationSeconds: seconds,
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

// Source: the table of MFA keys in policy.Credential; IAM User Guide, "Secure
// API access with MFA".
func TestSessionsSayWhatTheyKnowOfMFA(t *testing.T) {
	before := now.Add(-time.Hour)
	kinds := map[string]*world.Session{
		"key":              nil,
		"token":            {Credential: policy.SessionToken, Present: policy.False},
		"token with MFA":   {Credential: policy.SessionTokenMFA, Present: policy.True, MFAAt: before},
		"console":          {Credential: policy.ConsolePassword, Present: policy.False},
		"console with MFA": {Credential: policy.ConsoleMFA, Present: policy.True, MFAAt: before},
	}
	type outcome struct {
		Credential policy.Credential
		Present    policy.Presence
		MFAAt      time.Time
		Chained    bool
	}
	for _, c := range []struct {
		caller   string
		withCode bool
		keep     bool
		want     outcome
	}{
		{"key", false, false, outcome{policy.RoleFromKey, policy.False, time.Time{}, false}},
		{"key", true, false, outcome{policy.RoleFromCode, policy.False, time.Time{}, false}},
		{"key", true, true, outcome{policy.RoleFromCode, policy.False, time.Time{}, false}},
		{"token", false, true, outcome{policy.RoleFromKey, policy.False, time.Time{}, true}},
		{"console", false, true, outcome{policy.RoleFromKey, policy.False, time.Time{}, true}},
		{"token with MFA", false, false, outcome{policy.RoleFromMFA, policy.False, time.Time{}, true}},
		{"token with MFA", false, true, outcome{policy.RoleFromMFA, policy.True, before, true}},
		{"console with MFA", false, true, outcome{policy.RoleFromMFA, policy.True, before, true}},
	} {
		t.Run(fmt.Sprintf("%s, code %t, roles keep MFA %t", c.caller, c.withCode, c.keep), func(t *testing.T) {
			w := newWorld(t, "aws")
			in := &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")}
			if c.withCode {
				in.SerialNumber, in.TokenCode = aws.String(phone("aws")), aws.String(code(t, w, phone("aws"), now))
			}
			call := &operation.Call{World: w, Caller: bob(w, kinds[c.caller]), Now: now, Readings: operation.Readings{RolesKeepMFA: c.keep}}
			out, err := doAt[sts.AssumeRoleOutput](call, "AssumeRole", in)
			if err != nil {
				t.Fatal(err)
			}
			s := w.Session(*out.Credentials.AccessKeyId)
			if got := (outcome{s.Credential, s.Present, s.MFAAt, s.Chained}); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestChainedRoleKeepsMFAOnlyByThatReading(t *testing.T) {
	before := now.Add(-time.Hour)
	for keep, want := range map[bool]policy.Presence{false: policy.False, true: policy.True} {
		w := newWorld(t, "aws")
		caller := worker(w, world.Session{Credential: policy.RoleFromMFA, Present: policy.True, MFAAt: before})
		call := &operation.Call{World: w, Caller: caller, Now: now, Readings: operation.Readings{RolesKeepMFA: keep}}
		out, err := doAt[sts.AssumeRoleOutput](call, "AssumeRole", &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s2")})
		if err != nil {
			t.Fatal(err)
		}
		s := w.Session(*out.Credentials.AccessKeyId)
		if s.Credential != policy.ChainedRole || s.Present != want || !s.Chained {
			t.Errorf("roles keep MFA %t: %s, present %d, want %d", keep, s.Credential, s.Present, want)
		}
	}
}

func TestTokenSessionIsWhatItWasAskedFor(t *testing.T) {
	w := newWorld(t, "aws")
	out, err := do[sts.GetSessionTokenOutput](w, bob(w, nil), "GetSessionToken", &sts.GetSessionTokenInput{
		SerialNumber: aws.String(phone("aws")), TokenCode: aws.String(code(t, w, phone("aws"), now)),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := w.Session(*out.Credentials.AccessKeyId)
	want := &world.Session{
		AccessKeyID: *out.Credentials.AccessKeyId, Secret: *out.Credentials.SecretAccessKey, Token: *out.Credentials.SessionToken,
		Credential: policy.SessionTokenMFA, Present: policy.True, Account: people, User: "bob", OwnerID: "AIDABOBBOBBOBBOBBOB01",
		Issued: now, Expires: now.Add(12 * time.Hour), MFAAt: now,
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(got.AccessKeyID, "ASIA") {
		t.Errorf("session %s (-want +got):\n%s", got.AccessKeyID, diff)
	}
}

func TestAssumedRoleSaysWhoItIs(t *testing.T) {
	w := newWorld(t, "aws-cn")
	out, err := do[sts.AssumeRoleOutput](w, bob(w, nil), "AssumeRole", &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws-cn:iam::" + work + ":role/long/LongWorker"), RoleSessionName: aws.String("b@example.cn"),
		SourceIdentity: aws.String("Bob"), MinimumSessionTokenSize: aws.Int32(2000),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &types.AssumedRoleUser{
		Arn:           aws.String("arn:aws-cn:sts::" + work + ":assumed-role/LongWorker/b@example.cn"),
		AssumedRoleId: aws.String("AROALongWorkerXXXXXXX:b@example.cn"),
	}
	if diff := cmp.Diff(want, out.AssumedRoleUser, cmpopts.IgnoreUnexported(types.AssumedRoleUser{})); diff != "" {
		t.Errorf("assumed role (-want +got):\n%s", diff)
	}
	if *out.SourceIdentity != "Bob" || len(*out.Credentials.SessionToken) < 2000 || int(*out.SessionTokenSize) != len(*out.Credentials.SessionToken) {
		t.Errorf("source identity %s, token of %d characters said to be %d", *out.SourceIdentity, len(*out.Credentials.SessionToken), *out.SessionTokenSize)
	}
}

func TestAssumeRoleAsksForAllThatItDoes(t *testing.T) {
	w := newWorld(t, "aws")
	list := asks(t, w, bob(w, nil), "AssumeRole", &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"), ExternalId: aws.String("x-1"),
		Tags:              []types.Tag{{Key: aws.String("project"), Value: aws.String("moon")}},
		TransitiveTagKeys: []string{"project"}, SourceIdentity: aws.String("Bob"),
		SerialNumber: aws.String(phone("aws")), TokenCode: aws.String(code(t, w, phone("aws"), now)),
	})
	type seen struct {
		Action, Resource, Account, Policy string
		MFA                               bool
		Keys                              map[string][]string
	}
	keys := map[string][]string{
		"sts:RoleSessionName": {"s1"}, "sts:ExternalId": {"x-1"}, "sts:SourceIdentity": {"Bob"},
		"aws:RequestTag/project": {"moon"}, "aws:TagKeys": {"project"}, "sts:TransitiveTagKeys": {"project"},
		"aws:ResourceTag/team": {"blue"}, "iam:ResourceTag/team": {"blue"},
	}
	var got, want []seen
	for _, ask := range list {
		var x policy.Context
		ask.Context(&x)
		s := seen{ask.Action, ask.Resource, ask.ResourceAccount, ask.Policies[0].Name, ask.MFAInCall, map[string][]string{}}
		for key := range keys {
			if values, ok := x.Get(key); ok {
				s.Keys[key] = values
			}
		}
		got = append(got, s)
	}
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"} {
		want = append(want, seen{action, roleARN("Worker"), work, "trust policy of " + roleARN("Worker"), true, keys})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asks (-want +got):\n%s", diff)
	}
}

func TestFederationAsksOnTheFederatedUser(t *testing.T) {
	w := newWorld(t, "aws-us-gov")
	list := asks(t, w, bob(w, nil), "GetFederationToken", &sts.GetFederationTokenInput{
		Name: aws.String("guest"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	var got []string
	for _, ask := range list {
		got = append(got, ask.Action+" on "+ask.Resource)
	}
	on := " on arn:aws-us-gov:sts::" + people + ":federated-user/guest"
	if diff := cmp.Diff([]string{"sts:GetFederationToken" + on, "sts:TagSession" + on}, got); diff != "" {
		t.Errorf("asks (-want +got):\n%s", diff)
	}
}

func tags(pairs ...string) []types.Tag {
	var list []types.Tag
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// Source: IAM User Guide, "Pass session tags in AWS STS".
func TestSessionTags(t *testing.T) {
	from := world.Session{
		Tags:           []org.Tag{{Key: "Dept", Value: "x"}, {Key: "cost", Value: "7"}},
		TransitiveTags: []string{"dept"},
	}
	for _, c := range []struct {
		name       string
		tags       []types.Tag
		transitive []string
		want       string
	}{
		{"transitive ones are inherited", nil, nil, "[{Dept x}] [Dept]"},
		{"new ones are added", tags("cost", "8"), nil, "[{Dept x} {cost 8}] [Dept]"},
		{"new ones may be transitive", tags("cost", "8"), []string{"Cost"}, "[{Dept x} {cost 8}] [Dept Cost]"},
		{"inherited ones cannot be set", tags("DEPT", "y"), nil,
			"ValidationError: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
		{"transitive keys need a tag", nil, []string{"cost"},
			"ValidationError: The specified transitive tag key must be included in the requested tags."},
		{"keys are unique without case", tags("a", "1", "A", "2"), nil,
			"ValidationError: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"aws: is reserved", tags("AWS:x", "1"), nil,
			"ValidationError: Tag keys that begin with aws: are reserved: AWS:x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "aws")
			out, err := do[sts.AssumeRoleOutput](w, worker(w, from), "AssumeRole", &sts.AssumeRoleInput{
				RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"), Tags: c.tags, TransitiveTagKeys: c.transitive,
			})
			got := fault(err)
			if err == nil {
				s := w.Session(*out.Credentials.AccessKeyId)
				got = fmt.Sprint(s.Tags, s.TransitiveTags)
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// Source: IAM User Guide, "Monitor and control actions taken with assumed roles".
func TestSourceIdentityStays(t *testing.T) {
	for _, c := range []struct {
		name, from, asked, want string
	}{
		{"none", "", "", ""},
		{"set", "", "Bob", "Bob"},
		{"inherited", "Bob", "", "Bob"},
		{"the same again", "Bob", "Bob", "Bob"},
		{"another one", "Bob", "Eve", "AccessDenied: The source identity Bob of the calling session cannot be changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "aws")
			in := &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")}
			if c.asked != "" {
				in.SourceIdentity = &c.asked
			}
			out, err := do[sts.AssumeRoleOutput](w, worker(w, world.Session{SourceIdentity: c.from}), "AssumeRole", in)
			got := fault(err)
			if err == nil {
				got = w.Session(*out.Credentials.AccessKeyId).SourceIdentity
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestSessionPolicies(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	read := "arn:aws:iam::" + work + ":policy/read"
	arns := func(list ...string) []types.PolicyDescriptorType {
		var out []types.PolicyDescriptorType
		for i := range list {
			out = append(out, types.PolicyDescriptorType{Arn: &list[i]})
		}
		return out
	}
	var many []string
	for range 11 {
		many = append(many, read)
	}
	for _, c := range []struct {
		name    string
		inline  string
		managed []types.PolicyDescriptorType
		want    string
	}{
		{"none", "", nil, "[]"},
		{"inline", document, nil, "[session policy]"},
		{"managed", "", arns(read), "[session policy " + read + "]"},
		{"AWS managed", "", arns("arn:aws:iam::aws:policy/AdministratorAccess"), "[session policy arn:aws:iam::aws:policy/AdministratorAccess]"},
		{"both", document, arns(read), "[session policy session policy " + read + "]"},
		{"of another account", "", arns("arn:aws:iam::" + people + ":policy/read"),
			"ValidationError: The policy arn:aws:iam::" + people + ":policy/read does not exist in account " + work},
		{"too many", "", arns(many...),
			"ValidationError: 1 validation error detected: Value '[11 members]' at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "aws")
			in := &sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"), PolicyArns: c.managed}
			if c.inline != "" {
				in.Policy = &c.inline
			}
			out, err := do[sts.AssumeRoleOutput](w, bob(w, nil), "AssumeRole", in)
			got := fault(err)
			if err == nil {
				var names []string
				for _, p := range w.Session(*out.Credentials.AccessKeyId).Policies {
					names = append(names, p.Name)
				}
				got = fmt.Sprint(names)
				//lint:ignore SA1019 AWS still answers with it.
				if (out.PackedPolicySize != nil) != (len(names) > 0) {
					t.Errorf("packed size there %t, with %d policies", len(names) == 0, len(names))
				}
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestMalformedSessionPolicyIsRefused(t *testing.T) {
	w := newWorld(t, "aws")
	for _, text := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"*"}]}`,
	} {
		_, err := do[sts.GetFederationTokenOutput](w, bob(w, nil), "GetFederationToken", &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: &text})
		if got := fault(err); !strings.HasPrefix(got, "MalformedPolicyDocument: ") {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestPoliciesAndTagsMustFit(t *testing.T) {
	w := newWorld(t, "aws")
	long := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + strings.Repeat("s", 2048) + `:*","Resource":"*"}]}`
	_, err := do[sts.GetFederationTokenOutput](w, bob(w, nil), "GetFederationToken", &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: &long})
	if got := fault(err); !strings.HasSuffix(got, "at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048") {
		t.Errorf("long policy: %q", got)
	}
	var random []string
	for i := range 50 {
		random = append(random, fmt.Sprintf("key-%d", i), w.NewToken()[:250])
	}
	_, err = do[sts.AssumeRoleOutput](w, bob(w, nil), "AssumeRole", &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1"), Tags: tags(random...),
	})
	if got := fault(err); !strings.HasPrefix(got, "PackedPolicyTooLarge: ") {
		t.Errorf("50 long tags: %q", got)
	}
}

// Source: STS API Reference, AssumeRole.
func TestMalformedInputIsNamedWithItsConstraint(t *testing.T) {
	w := newWorld(t, "aws")
	one := func(value, member, constraint string) string {
		return "ValidationError: 1 validation error detected: Value " + value + " at '" + member + "' failed to satisfy constraint: " + constraint
	}
	good := sts.AssumeRoleInput{RoleArn: aws.String(roleARN("Worker")), RoleSessionName: aws.String("s1")}
	for _, c := range []struct {
		name   string
		change func(*sts.AssumeRoleInput)
		want   string
	}{
		{"no role", func(in *sts.AssumeRoleInput) { in.RoleArn = nil }, one("null", "roleArn", "Member must not be null")},
		{"short session name", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("s") },
			one("'s'", "roleSessionName", "Member must have length greater than or equal to 2")},
		{"spaces in the session name", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a b") },
			one("'a b'", "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)},
		{"external ID", func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("a!") },
			one("'a!'", "externalId", `Member must satisfy regular expression pattern: [\w+=,.@:\/-]*`)},
		{"code with letters", func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String(phone("aws")), aws.String("12345x")
		}, one("'12345x'", "tokenCode", `Member must satisfy regular expression pattern: [\d]*`)},
		{"two faults", func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String("short"), aws.String("123")
		}, "ValidationError: 2 validation errors detected: Value 'short' at 'serialNumber' failed to satisfy constraint: Member must have length greater than or equal to 9; " +
			"Value '123' at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6"},
		{"not a role", func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::" + work + ":user/bob") },
			"ValidationError: arn:aws:iam::" + work + ":user/bob is invalid"},
		{"another partition", func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws-cn:iam::" + work + ":role/Worker") },
			"ValidationError: arn:aws-cn:iam::" + work + ":role/Worker is invalid"},
		{"reserved source identity", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("aws:Bob") },
			one("'aws:Bob'", "sourceIdentity", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good
			c.change(&in)
			_, err := do[sts.AssumeRoleOutput](w, bob(w, nil), "AssumeRole", &in)
			if got := fault(err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// An account has outbound federation disabled until it enables it.
func TestWebIdentityTokensNeedThePermissionAndAreOff(t *testing.T) {
	w := newWorld(t, "aws")
	in := &sts.GetWebIdentityTokenInput{Audience: []string{"https://example.com"}, SigningAlgorithm: aws.String("ES384")}
	if got := asks(t, w, bob(w, nil), "GetWebIdentityToken", in); len(got) != 1 || got[0].Action != "sts:GetWebIdentityToken" || got[0].Unconditional {
		t.Errorf("asks %+v", got)
	}
	if _, err := do[sts.GetWebIdentityTokenOutput](w, bob(w, nil), "GetWebIdentityToken", in); err == nil || !strings.Contains(err.Error(), "OutboundWebIdentityFederationDisabledException") {
		t.Errorf("error %v", err)
	}
	for _, bad := range []*sts.GetWebIdentityTokenInput{{}, {Audience: in.Audience}, {SigningAlgorithm: in.SigningAlgorithm},
		{Audience: in.Audience, SigningAlgorithm: in.SigningAlgorithm, DurationSeconds: aws.Int32(59)}} {
		if _, err := do[sts.GetWebIdentityTokenOutput](w, bob(w, nil), "GetWebIdentityToken", bad); err == nil || !strings.Contains(err.Error(), "ValidationError") {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}
