package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
)

// answering is an account that answers each action with the content of its result, or
// with an error when that is a code. The actions that were called are kept.
func answering(t *testing.T, asked *[]string, answers map[string]string) *Access {
	t.Helper()
	client := doer(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		action := form.Get("Action")
		*asked = append(*asked, action)
		status, text := 200, "<"+action+"Response><"+action+"Result>"+answers[action]+"</"+action+"Result></"+action+"Response>"
		if content := answers[action]; content != "" && content[0] != '<' {
			status, text = 403, "<ErrorResponse><Error><Code>"+content+"</Code><Message>explicit deny</Message></Error></ErrorResponse>"
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
	})
	m := &Manager{HTTP: client, Now: time.Now, Getenv: func(string) string { return "" }, Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}}
	return &Access{
		manager: m, Route: &Route{Base: "p", Profile: "p", stsRegion: "us-east-1", Key: keysOf("AKIAOWN", "x")}, Bare: true,
		User: User{Name: "bob", Account: "111111111111", Partition: "aws", ARN: "arn:aws:iam::111111111111:user/bob"},
		Config: aws.Config{Region: "us-east-1", HTTPClient: client, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "x"}, nil
		})},
	}
}

// Sessions of different keys, devices, endpoints or roles never share a file.
func TestSessionsAreKeptApart(t *testing.T) {
	base := func(change func(*Route)) *Route {
		r := &Route{stsEndpoint: "https://a", Key: keysOf("AKIA1", "x"), Serial: "arn:aws:iam::111111111111:mfa/a", Roles: []Role{{ARN: "arn:aws:iam::111111111111:role/r", SessionName: "bob"}}}
		change(r)
		return r
	}
	sessions, roles := map[string]string{}, map[string]string{}
	for _, row := range []struct {
		story  string
		ofRole bool // the MFA session is the same
		route  *Route
	}{
		{"as it is", false, base(func(*Route) {})},
		{"another endpoint", false, base(func(r *Route) { r.stsEndpoint = "https://b" })},
		{"another key", false, base(func(r *Route) { r.Key = keysOf("AKIA2", "x") })},
		{"another device", false, base(func(r *Route) { r.Serial += "b" })},
		{"another role", true, base(func(r *Route) { r.Roles[0].ARN += "b" })},
		{"an external ID", true, base(func(r *Route) { r.Roles[0].ExternalID = "x" })},
		{"a session policy", true, base(func(r *Route) { r.Roles[0].Policy = "{}" })},
		{"another name", true, base(func(r *Route) { r.Roles[0].SessionName = "eve" })},
		{"a tag", true, base(func(r *Route) { r.Roles[0].Tags = [][2]string{{"a", "b"}} })},
	} {
		if other, shared := sessions[row.route.name(-1)]; shared != row.ofRole {
			t.Errorf("%s: the MFA session is that of %q", row.story, other)
		}
		if other, shared := roles[row.route.name(0)]; shared {
			t.Errorf("%s: the session of the role is that of %q", row.story, other)
		}
		sessions[row.route.name(-1)], roles[row.route.name(0)] = row.story, row.story
	}
}

// AWS accepts a code once, and for longer than its half minute.
func TestAUsedCodeIsRefusedAsLongAsAWSMightAcceptIt(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for ago, refused := range map[int64]bool{0: true, 1: true, 2: true, maxReplay: true, maxReplay + 1: false} {
		m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Now: func() time.Time { return now }}
		r := &Route{Serial: "arn:aws:iam::111111111111:mfa/a"}
		if err := m.Cache.SetDevice(r.codeName(), cache.Device{Code: codeHash(r, "123456"), Window: windowOf(now) - ago}); err != nil {
			t.Fatal(err)
		}
		_, err := m.code(t.Context(), r, CodeSource{Code: func(context.Context, string) (string, error) { return "123456", nil }})
		if (err != nil) != refused {
			t.Errorf("%d half minutes later: %v", ago, err)
		}
	}
}

// A code that could not be recorded as used would be sent again.
func TestACodeThatCannotBeRecordedIsNotSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Manager{Cache: cache.Dir{Path: file}, Now: time.Now, Getenv: func(string) string { return "" }}
	if code, err := m.code(t.Context(), &Route{Serial: "s"}, CodeSource{Code: func(context.Context, string) (string, error) { return "123456", nil }}); err == nil {
		t.Errorf("%q is sent", code)
	}
}

// Two profiles with the same key have one prompt at a time.
func TestACodeIsAskedForUnderTheLockOfTheKey(t *testing.T) {
	m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Now: time.Now, Getenv: func(string) string { return "" }}
	r := &Route{Serial: "s", Key: keysOf("AKIA1", "x")}
	unlock, err := m.lock(t.Context(), r.lockName())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	m.Codes.Code = func(context.Context, string) (string, error) {
		t.Error("a code was asked for")
		return "", errors.New("no")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := m.withCode(ctx, r, Request{}, -1, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// Without a session to renew the person signs in; the secret store has no part in it.
func TestWithoutASignInThereIsNothingToRenew(t *testing.T) {
	m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Now: time.Now, Getenv: func(string) string { return "" }}
	_, err := m.refreshed(t.Context(), &Route{Base: "p", Profile: "p"}, Request{}, time.Now())
	if err == nil || err.Error() != "nobody has signed in for profile p" || !errors.Is(err, errNeedsPerson) {
		t.Error(err)
	}
}

func TestAPageOfTheConsoleIsNotAHostThatEndsLikeIt(t *testing.T) {
	for _, host := range []string{"evilconsole.aws.amazon.com", "console.aws.amazon.com.evil.example", "console.aws.amazon.com:8443"} {
		if err := (ConsolePage{Destination: "https://" + host + "/"}).Check(); err == nil {
			t.Errorf("%s is accepted", host)
		}
	}
}

// The address of the sign-in endpoint holds the session.
func TestAFailedSignInEndpointDoesNotShowTheSession(t *testing.T) {
	m := &Manager{HTTP: doer(func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial %s: refused", r.URL) })}
	_, err := m.signInToken(t.Context(), "https://signin.example/federation", &cache.Entry{AccessKeyID: "ASIAX", SecretAccessKey: "TOPSECRET", SessionToken: "TOKEN"})
	if err == nil || strings.Contains(err.Error(), "TOPSECRET") || strings.Contains(err.Error(), "TOKEN") {
		t.Error(err)
	}
}

// Programs for codes and keys are not given the keys of the environment.
func TestProgramsDoNotGetTheKeysOfTheEnvironment(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "leak")
	t.Setenv("FORCEMFA_PASSPHRASE", "leak")
	if out, err := CommandCodes(`echo "$AWS_SECRET_ACCESS_KEY$AWS_MFA_SERIAL"`, "123456").Code(t.Context(), ""); err != nil || out != "123456" {
		t.Errorf("the program for codes printed %q, %v", out, err)
	}
	m := &Manager{Getenv: func(string) string { return "" }}
	key, err := m.runProcess(t.Context(), "p", []string{"/bin/sh", "-c", `echo "{\"Version\":1,\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"s$AWS_SECRET_ACCESS_KEY\"}"`})
	if err != nil || key.SecretAccessKey.Reveal() != "s" {
		t.Errorf("the credential process has %v, %v", key.SecretAccessKey.Reveal(), err)
	}
}

func TestAKeyOfAnotherUserIsNoProof(t *testing.T) {
	var asked []string
	a := answering(t, &asked, map[string]string{"GetCallerIdentity": "<Arn>arn:aws:iam::111111111111:user/eve</Arn><Account>111111111111</Account><UserId>AIDA</UserId>"})
	if err := a.prove(t.Context(), keysOf("AKIANEW", "x")); err == nil || err.Error() != "the new key belongs to arn:aws:iam::111111111111:user/eve, not to arn:aws:iam::111111111111:user/bob" {
		t.Error(err)
	}
}

func TestOnlyInactiveKeysOfTheUserAreDeleted(t *testing.T) {
	for _, row := range []struct {
		id, status string
		deleted    bool
	}{{"AKIAOLD", "Inactive", true}, {"AKIAOLD", "Active", false}, {"AKIAOWN", "Inactive", false}, {"AKIANONE", "Inactive", false}} {
		var asked []string
		a := answering(t, &asked, map[string]string{"ListAccessKeys": "<AccessKeyMetadata><member><AccessKeyId>AKIAOLD</AccessKeyId><Status>" + row.status +
			"</Status></member><member><AccessKeyId>AKIAOWN</AccessKeyId><Status>" + row.status + "</Status></member></AccessKeyMetadata>"})
		if err := a.DeleteKey(t.Context(), row.id); (err == nil) != row.deleted || slices.Contains(asked, "DeleteAccessKey") != row.deleted {
			t.Errorf("%s %s: %v, calls %v", row.id, row.status, err, asked)
		}
	}
}

// Without an answer nobody knows whether a key was used.
func TestAKeyOfUnknownUseIsNotDeleted(t *testing.T) {
	var asked []string
	a := answering(t, &asked, map[string]string{})
	if err := a.deleteUnused(t.Context(), "AKIAOLD"); err == nil || slices.Contains(asked, "DeleteAccessKey") {
		t.Errorf("%v, calls %v", err, asked)
	}
}

// An interrupted rotation removes only a key that it can have made.
func TestAnOlderKeyIsNotTakenForThatOfTheRotation(t *testing.T) {
	for age, deleted := range map[time.Duration]bool{time.Minute: true, time.Hour: false} {
		var asked []string
		began := time.Now()
		a := answering(t, &asked, map[string]string{
			"ListAccessKeys": "<AccessKeyMetadata><member><AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status><CreateDate>" + began.Add(-age).UTC().Format(time.RFC3339) +
				"</CreateDate></member><member><AccessKeyId>AKIAOWN</AccessKeyId><Status>Active</Status></member></AccessKeyMetadata>",
			"GetAccessKeyLastUsed": "<AccessKeyLastUsed><Region>N/A</Region></AccessKeyLastUsed>",
		})
		if err := a.manager.Cache.SetRotation(a.rotationName(), cache.Rotation{OldKey: "AKIAOWN", Began: began}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.resume(t.Context()); err != nil || slices.Contains(asked, "DeleteAccessKey") != deleted {
			t.Errorf("created %s before: %v, calls %v", age, err, asked)
		}
	}
}

func TestAnotherUserWhoSignsInEndsTheRoleSessionsOfTheFirst(t *testing.T) {
	m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Now: time.Now}
	r := &Route{Base: "p", Key: signInKey("p"), Roles: []Role{{ARN: "arn:aws:iam::111111111111:role/r", SessionName: "bob"}}}
	entry := func(arn string) *cache.Entry {
		return &cache.Entry{Kind: cache.SignInSession, ARN: arn, KeyID: r.Key.AccessKeyID, AccessKeyID: "ASIAX", SecretAccessKey: "x", SessionToken: "t", Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
	}
	for user, kept := range map[string]bool{"arn:aws:iam::111111111111:user/bob": true, "arn:aws:iam::111111111111:user/eve": false} {
		for i := -1; i < 1; i++ {
			if err := m.Cache.Store(r.name(i), entry("arn:aws:iam::111111111111:user/bob")); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.forgetOther(r, user); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Cache.Load(r.name(0)); (err == nil) != kept {
			t.Errorf("%s: the session of the role: %v", user, err)
		}
	}
}

func TestARefusalToEnrollIsKnownBeforeADeviceIsMade(t *testing.T) {
	for answer, refused := range map[string]bool{"AccessDenied": true, "NoSuchEntity": false, "InvalidAuthenticationCode": false, "": false} {
		var asked []string
		a := answering(t, &asked, map[string]string{"EnableMFADevice": answer})
		var denied *EnrollmentDenied
		if err := a.MayEnroll(t.Context()); errors.As(err, &denied) != refused || (err != nil) != refused {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestASignInGoesToTheEndpointOfTheRegion(t *testing.T) {
	for region, want := range map[string]string{"eu-west-1": "https://eu-west-1.signin.aws.amazon.com", "us-east-1": "https://us-east-1.signin.aws.amazon.com"} {
		m := &Manager{HTTP: doer(nil), Now: time.Now}
		if client, err := m.oauth(&Route{stsRegion: region}); err != nil || client.Endpoint != want {
			t.Errorf("%s: %v, %v", region, client, err)
		}
	}
}

// The ID of a key is kept only when the program printed a key.
func TestTheIDOfAFailedCredentialProcessIsNotKept(t *testing.T) {
	m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Getenv: func(string) string { return "" }}
	for script, want := range map[string]string{"exit 1": "", `echo '{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s"}'`: "AKIA1"} {
		r := &Route{Base: "p", KeyFrom: KeyFromProcess, keyProcess: []string{"/bin/sh", "-c", script}}
		if err := m.Cache.SetKeyID(processName(r.Base, r.keyProcess), "AKIABEFORE"); err != nil {
			t.Fatal(err)
		}
		key, err := m.readKey(t.Context(), r)
		if kept := m.Cache.KeyID(processName(r.Base, r.keyProcess)); key.AccessKeyID != want || (err == nil) != (want != "") || want != "" && kept != want || want == "" && kept != "AKIABEFORE" {
			t.Errorf("%s: %q, kept %q, %v", script, key.AccessKeyID, kept, err)
		}
	}
}

func TestSettingsThatTheSDKRefusesAreAProblem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[profile p]\nregion = eu-west-1\ns3 =\n  max_attempts = many\nmax_attempts = many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string {
		return map[string]string{"AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": path + "-none"}[name]
	}
	files, err := awsfile.Load(env, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = KeySettings{Files: files, Getenv: env, Profile: "p"}.Config(t.Context(), secret.Keys{AccessKeyID: "AKIA1", SecretAccessKey: secret.NewText("x")})
	var problem *Problem
	if !errors.As(err, &problem) || !strings.HasPrefix(problem.Sentence, "load AWS config: ") {
		t.Error(err)
	}
}

// A person who mistypes the code is asked three times.
func TestAWrongCodeIsAskedForAgainTwice(t *testing.T) {
	text := "<ErrorResponse><Error><Code>AccessDenied</Code><Message>MultiFactorAuthentication failed with " + wrongCodeText + "</Message></Error></ErrorResponse>"
	m := &Manager{Cache: cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}, Now: time.Now, Getenv: func(string) string { return "" }, HTTP: doer(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 403, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
	})}
	asked := 0
	_, err := m.exchange(t.Context(), &Route{Serial: "arn:aws:iam::111111111111:mfa/a", Key: keysOf("AKIA1", "x"), stsRegion: "us-east-1", duration: time.Hour},
		CodeSource{Person: true, Code: func(context.Context, string) (string, error) {
			if asked++; asked > 2*maxTries {
				return "", errors.New("asked without end")
			}
			return fmt.Sprintf("%06d", asked), nil
		}}, -1)
	if err == nil || asked != maxTries {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
