package engineer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

var ends = time.Date(2026, time.November, 23, 20, 0, 0, 0, time.UTC)

func someSession() *cache.Entry {
	return &cache.Entry{
		Kind: cache.MFASession, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret/+", SessionToken: "it's $a",
		Issued: ends.Add(-12 * time.Hour), Expires: ends, Profile: "bob", Region: "eu-west-1",
	}
}

// Flaw 4: the passphrase of the vault was in the environment of every child.
func TestFlaw4ChildGetsTheSessionAndNoSecretOfOurs(t *testing.T) {
	got := environ.Child([]string{
		"PATH=/bin", "HOME=/home/bob", "EMPTY=", "AWS_PAGER=less",
		secret.PassphraseVariable + "=hunter2", "FORCEMFA_CODE=123456", "FORCEMFA=other",
		"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=long", "AWS_SESSION_TOKEN=old", "AWS_SECURITY_TOKEN=older",
		"AWS_PROFILE=bob", "AWS_DEFAULT_PROFILE=bob", "AWS_ROLE_ARN=r", "AWS_WEB_IDENTITY_TOKEN_FILE=f",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1", "AWS_CONTAINER_AUTHORIZATION_TOKEN=t", "AWS_CREDENTIAL_EXPIRATION=x",
	}, someSession().Variables("eu-west-1"), "bob")
	want := []string{
		"PATH=/bin", "HOME=/home/bob", "EMPTY=", "AWS_PAGER=less",
		"AWS_ACCESS_KEY_ID=ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret/+", "AWS_SESSION_TOKEN=it's $a",
		"AWS_CREDENTIAL_EXPIRATION=2026-11-23T20:00:00Z", "AWS_SESSION_EXPIRATION=2026-11-23T20:00:00Z",
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "FORCEMFA=bob",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FORCEMFA_SESSIONS=pass was lost in a child, whose sessions then went to plain
// files; so were the settings of the store.
func TestSettingsReachTheChildAndSecretsDoNot(t *testing.T) {
	settings := []string{
		cache.SessionsVariable + "=pass", secret.BackendVariable + "=file", secret.FileVariable + "=/keys.age",
		secret.WorkVariable + "=12", secret.CommandVariable + "=gopass", secret.PrefixVariable + "=aws", "FORCEMFA_CONFIG=forcemfa.yaml",
	}
	all := slices.Clone(settings)
	for _, private := range environ.Private {
		all = append(all, private+"=hunter2")
	}
	got := environ.Child(all, someSession().Variables(""), "bob")
	if diff := cmp.Diff(settings, got[:len(settings)]); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(strings.Join(got, " "), "hunter2") {
		t.Errorf("a secret reaches the child: %q", got)
	}
}

func TestChildGetsOneRegionInBothVariables(t *testing.T) {
	for _, row := range []struct{ flag, region, defaultRegion, want string }{
		{"", "", "", "eu-west-1"}, // the profile's
		{"", "us-west-2", "", "us-west-2"},
		{"", "", "us-west-2", "us-west-2"},
		{"", "us-west-2", "us-east-1", "us-west-2"},
		{"ap-south-1", "us-west-2", "us-east-1", "ap-south-1"},
	} {
		all := []string{"AWS_REGION=" + row.region, "AWS_DEFAULT_REGION=" + row.defaultRegion}
		e := &machine{Env: &command.Env{Getenv: func(name string) string {
			return map[string]string{"AWS_REGION": row.region, "AWS_DEFAULT_REGION": row.defaultRegion}[name]
		}}}
		flags := sessionFlags{env: e, region: row.flag}
		var got []string
		for _, pair := range environ.Child(all, someSession().Variables(flags.regionOf(someSession())), "bob") {
			if name, value, _ := strings.Cut(pair, "="); slices.Contains([]string{"AWS_REGION", "AWS_DEFAULT_REGION"}, name) {
				got = append(got, value)
			}
		}
		if diff := cmp.Diff([]string{row.want, row.want}, got); diff != "" {
			t.Errorf("%+v: %s", row, diff)
		}
	}
}

// Flaw 5: a vault on a machine without a keyring had the empty passphrase.
func TestFlaw5StoreHasNoEmptyPassphrase(t *testing.T) {
	s, err := secret.Open(secret.Config{
		Backend: secret.File, Dir: t.TempDir(),
		Ask: func(context.Context, string) (string, error) { return "", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Set(t.Context(), "bob", secret.Keys{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: secret.NewText("secret")})
	if err == nil {
		t.Error("a store was made whose passphrase is empty")
	}
}

// day is a process of an engineer without a terminal.
func day(t *testing.T, args ...string) (*command.Env, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	home := t.TempDir()
	env := map[string]string{"HOME": home, "USERPROFILE": home, "XDG_CACHE_HOME": filepath.Join(home, "cache")}
	var out, errs bytes.Buffer
	return &command.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: func() time.Time { return ends.Add(-time.Hour) },
		Getenv: func(name string) string { return env[name] }, Environ: func() []string { return nil },
	}, &out, &errs
}

// warm puts a session of bob into the cache.
func warm(t *testing.T, e *command.Env) {
	t.Helper()
	dir, err := cache.Default(e.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	p := cache.PlaceOf("bob", e.Getenv)
	if err := dir.Store("x", someSession()); err != nil {
		t.Fatal(err)
	}
	if err := dir.Link(p, p.Seen(), "x", cache.Settings{Region: "eu-west-1"}); err != nil {
		t.Fatal(err)
	}
}

func TestExportSpeaksEveryShell(t *testing.T) {
	for format, want := range map[string]string{
		"env":           "export AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nexport AWS_SECRET_ACCESS_KEY=secret/+\nexport AWS_SESSION_TOKEN='it'\\''s $a'\nexport AWS_CREDENTIAL_EXPIRATION=2026-11-23T20:00:00Z\n",
		"env-no-export": "AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=secret/+\nAWS_SESSION_TOKEN='it'\\''s $a'\nAWS_CREDENTIAL_EXPIRATION=2026-11-23T20:00:00Z\n",
		"fish":          "set -gx AWS_ACCESS_KEY_ID ASIAEXAMPLE\nset -gx AWS_SECRET_ACCESS_KEY secret/+\nset -gx AWS_SESSION_TOKEN 'it\\'s $a'\nset -gx AWS_CREDENTIAL_EXPIRATION 2026-11-23T20:00:00Z\n",
		"powershell":    "$Env:AWS_ACCESS_KEY_ID='ASIAEXAMPLE'\n$Env:AWS_SECRET_ACCESS_KEY='secret/+'\n$Env:AWS_SESSION_TOKEN='it''s $a'\n$Env:AWS_CREDENTIAL_EXPIRATION='2026-11-23T20:00:00Z'\n",
		"windows-cmd":   "set AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nset AWS_SECRET_ACCESS_KEY=secret/+\nset AWS_SESSION_TOKEN=it's $a\nset AWS_CREDENTIAL_EXPIRATION=2026-11-23T20:00:00Z\n",
		"ini":           "[bob]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = secret/+\naws_session_token = it's $a\nexpiration = 2026-11-23T20:00:00Z\n",
		"process":       `{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secret/+","SessionToken":"it's $a","Expiration":"2026-11-23T20:00:00Z"}` + "\n",
	} {
		e, out, errs := day(t, "export", "bob", "--format", format)
		warm(t, e)
		if status := run(t.Context(), e); status != 0 || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: status %d\n%s%s\nwant %s", format, status, out, errs, want)
		}
	}
}

// AWS sets no limit for session tokens; those of STS have had up to 4,096 bytes.
func TestLongTokensAreExportedWhole(t *testing.T) {
	token := strings.Repeat("aZ09+/==", 512)
	for _, format := range exportFormats {
		e, out, errs := day(t, "export", "bob", "--format", format)
		long := someSession()
		long.SessionToken = token
		dir, err := cache.Default(e.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		warm(t, e)
		place := cache.PlaceOf("bob", e.Getenv)
		if err := errors.Join(dir.Store("long", long), dir.Link(place, place.Seen(), "long", cache.Settings{Region: "eu-west-1"})); err != nil {
			t.Fatal(err)
		}
		if status := run(t.Context(), e); status != 0 || !strings.Contains(out.String(), token) {
			t.Errorf("%s: status %d, %d bytes\n%s", format, status, out.Len(), errs)
		}
	}
}

// Flaws 6 and 7: writing a session replaced the only copy of a long-lived key,
// dropped comments and left the file open to others.
func TestFlaws6And7WritingASessionDestroysNothing(t *testing.T) {
	const before = "# mine\r\n[bob]\r\naws_access_key_id=AKIAEXAMPLE ; laptop\r\naws_secret_access_key   =  long\r\n\r\n;odd\r\n[other]\r\nunknown: x\r\n"
	e, _, errs := day(t, "export", "bob", "--write-profile", "bob-mfa")
	path := filepath.Join(e.Getenv("HOME"), ".aws", "credentials")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	warm(t, e)
	if status := run(t.Context(), e); status != 0 {
		// The token of someSession holds no line break, so it can be written.
		t.Fatalf("status %d: %s", status, errs)
	}
	text, err := os.ReadFile(path)
	after, mine := strings.CutPrefix(string(text), before)
	if err != nil || !mine || !strings.Contains(after, "[bob-mfa]\r\n") || !strings.Contains(after, "manager = forcemfa\r\n") {
		t.Errorf("%v: the file is now\n%s", err, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	e.Args = []string{"export", "bob", "--write-profile", "bob"}
	warm(t, e)
	if status := run(t.Context(), e); status != 1 || !strings.Contains(errs.String(), "holds a long-lived key") {
		t.Errorf("status %d: %s", status, errs)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, text) {
		t.Errorf("a refused export changed the file: %v\n%s", err, again)
	}
}

func TestArgumentsOfExecAreTheCommands(t *testing.T) {
	for _, row := range []struct {
		args    []string
		profile string
		argv    []string
	}{
		{[]string{"bob", "--", "aws", "-q", "--profile", "x"}, "bob", []string{"aws", "-q", "--profile", "x"}},
		{[]string{"bob", "aws", "-q"}, "bob", []string{"aws", "-q"}},
		{[]string{"bob", "-q", "--", "aws", "--", "y"}, "bob", []string{"aws", "--", "y"}},
		{[]string{"-q", "bob", "aws"}, "bob", []string{"aws"}},
		{[]string{"--", "aws", "s3"}, "", []string{"aws", "s3"}},
		{[]string{"--profile", "bob", "--", "aws"}, "bob", []string{"aws"}},
		{[]string{"bob"}, "bob", nil},
	} {
		e, _, _ := day(t)
		c := newExec(&machine{Env: e})
		var profile string
		o := execOptions{sessionFlags: sessionFlags{env: &machine{Env: e}}}
		c.ResetFlags()
		o.add(c)
		c.Flags().SetInterspersed(false)
		if err := c.ParseFlags(row.args); err != nil {
			t.Fatal(err)
		}
		argv, err := o.parse(c, c.Flags().Args())
		profile = o.profile
		if err != nil || profile != row.profile || !slices.Equal(argv, row.argv) {
			t.Errorf("%q: profile %q, command %q, %v", row.args, profile, argv, err)
		}
	}
}

func TestExecInsideOfASessionNeedsProfileAndCommand(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"exec", "bob"}, "already has the session of prod"},
		{[]string{"exec", "--", "true"}, "already has the session of prod"},
		{[]string{"exec", "bob", "--", "true"}, "no profile bob"}, // it looks for the profile
		{[]string{"exec", "--profile", "bob", "--", "true"}, "no profile bob"},
		{[]string{"exec", "bob", "--nested"}, "no profile bob"},
	} {
		e, _, errs := day(t, row.args...)
		outer := e.Getenv
		e.Getenv = func(name string) string {
			if name == session.Marker {
				return "prod"
			}
			return outer(name)
		}
		if status := run(t.Context(), e); status != 1 || !strings.Contains(errs.String(), row.want) {
			t.Errorf("%q: status %d: %s", row.args, status, errs)
		}
	}
}

func TestAWrittenSessionHidesNoOtherCredentials(t *testing.T) {
	for _, setting := range otherSources {
		e, _, errs := day(t, "export", "bob", "--write-profile", "tool")
		dir := filepath.Join(e.Getenv("HOME"), ".aws")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte("[profile tool]\n"+setting+" = x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		warm(t, e)
		if status := run(t.Context(), e); status != 1 || !strings.Contains(errs.String(), "config:2: profile tool has "+setting) || !strings.Contains(errs.String(), "--write-profile tool-session") {
			t.Errorf("%s: status %d: %s", setting, status, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "credentials")); err == nil {
			t.Errorf("%s: a session was written", setting)
		}
	}
}

func TestSessionsClearRemovesWrittenSessions(t *testing.T) {
	const before = "# mine\n[other]\naws_access_key_id = ASIAOTHER\naws_secret_access_key = x\naws_session_token = y\n"
	for _, profile := range []string{"", "bob"} {
		e, _, errs := day(t, "export", "bob", "--write-profile", "tool")
		path := filepath.Join(e.Getenv("HOME"), ".aws", "credentials")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		warm(t, e)
		if status := run(t.Context(), e); status != 0 {
			t.Fatalf("export: status %d: %s", status, errs)
		}
		e.Args = strings.Fields("sessions clear " + profile)
		if status := run(t.Context(), e); status != 0 || !strings.Contains(errs.String(), "removed the session in profile tool") {
			t.Errorf("clear %s: status %d: %s", profile, status, errs)
		}
		after, err := os.ReadFile(path)
		if diff := cmp.Diff(before, string(after)); diff != "" || err != nil {
			t.Errorf("clear %s: %v %s", profile, err, diff)
		}
	}
}

func TestASessionThatEndsSoonIsReported(t *testing.T) {
	for _, row := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"export", "bob"}, 0, "the session of bob expires in 10m"},
		{[]string{"export", "bob", "--min-left", "5m"}, 0, ""},
		{[]string{"export", "bob", "--min-left", "30m"}, 1, "which is less than --min-left 30m"},
		{[]string{"exec", "bob", "--min-left", "30m", "--", "true"}, 1, "which is less than --min-left 30m"},
	} {
		e, _, errs := day(t, row.args...)
		warm(t, e)
		config := filepath.Join(e.Getenv("HOME"), ".aws", "config")
		if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, []byte("[profile bob]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = long\nmfa_serial = GAHT12345678\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		dir, err := cache.Default(e.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		if err := dir.Store(cache.Name("mfa", "", "AKIAEXAMPLE", "GAHT12345678"), someSession()); err != nil {
			t.Fatal(err)
		}
		e.Now = func() time.Time { return ends.Add(-10 * time.Minute) }
		if status := run(t.Context(), e); status != row.status || !strings.Contains(errs.String(), row.want) || row.want == "" && errs.Len() > 0 {
			t.Errorf("%q: status %d: %s", row.args, status, errs)
		}
	}
}

func TestExecWithoutDashesExplainsItself(t *testing.T) {
	for _, args := range [][]string{{"exec", "true"}, {"exec", "true", "s3", "ls"}} {
		e, _, errs := day(t, args...)
		if status := run(t.Context(), e); status != 1 || !strings.Contains(errs.String(), `"forcemfa exec -- true …"`) {
			t.Errorf("%q: status %d: %s", args, status, errs)
		}
	}
	e, _, errs := day(t, "exec", "nosuch", "--", "true")
	if status := run(t.Context(), e); status != 1 || strings.Contains(errs.String(), "exec --") {
		t.Errorf("status %d: %s", status, errs)
	}
}

func TestCodeComesFromAFlagTheEnvironmentOrThePerson(t *testing.T) {
	person := func(context.Context, string) (string, error) { return "333333", nil }
	for _, row := range []struct {
		story string
		flags sessionFlags
		stdin string
		env   string
		ask   func(context.Context, string) (string, error)
		want  string
	}{
		{"stdin before the rest", sessionFlags{codeStdin: true}, "111111\n222222\n", "444444", person, "111111\n"},
		{"environment before the person", sessionFlags{}, "", "444444", person, "444444"},
		{"person", sessionFlags{}, "", "", person, "333333"},
		{"a command before the environment", sessionFlags{mfaProcess: "echo 555555"}, "", "444444", person, "555555"},
	} {
		e, _, _ := day(t)
		e.Stdin, e.AskSecret = io.Reader(strings.NewReader(row.stdin)), row.ask
		e.Getenv = func(name string) string {
			if name == secret.CodeVariable {
				return row.env
			}
			return ""
		}
		row.flags.env = &machine{Env: e}
		got, err := row.flags.codes().Code(t.Context(), "code: ")
		if err != nil || got != row.want {
			t.Errorf("%s: %q, %v", row.story, got, err)
		}
	}
	e, _, _ := day(t)
	if s := (&sessionFlags{env: &machine{Env: e}}).codes(); s.Code != nil {
		t.Error("without a terminal there is somebody to ask")
	}
}

func TestWrongInputHasANextStep(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "config")) // enroll looks for credentials of other tools, too
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	const noProfile = "forcemfa: no profile eve in HOME/.aws/config or HOME/.aws/credentials\nhint: run \"forcemfa import eve\" to store a key under this name\n"
	for args, want := range map[string]string{
		"login eve":              noProfile,
		"exec eve -- true":       noProfile,
		"export eve":             noProfile,
		"credential-process eve": noProfile,
		"console eve":            noProfile,
		"rotate eve":             noProfile,
		"enroll eve":             noProfile,
		"shell-init":             "forcemfa: 0 arguments given: write forcemfa shell-init bash|zsh|fish|nushell|powershell\nhint: see forcemfa shell-init --help\n",
		"login bob eve":          "forcemfa: 2 arguments given: write forcemfa login [PROFILE]\nhint: see forcemfa login --help\n",
		"use bob --region x":     "forcemfa: \"forcemfa use\" is a function of the shell, which this shell does not have\nhint: \"forcemfa shell-init --help\" shows how to define it; without it, use \"forcemfa exec\"\n",
		"console bob --service ec2 --destination s3": "forcemfa: --destination and --service cannot be given together\nhint: give only one of them\n",
		"sessions clear --all":                       "forcemfa: unknown flag: --all\nhint: see forcemfa sessions clear --help\n",
	} {
		e, out, errs := day(t, strings.Fields(args)...)
		status := run(t.Context(), e)
		got := strings.ReplaceAll(errs.String(), e.Getenv("HOME"), "HOME")
		if diff := cmp.Diff(want, got); diff != "" || status != command.StatusFailed || out.Len() > 0 {
			t.Errorf("%s: status %d\n%s%s", args, status, out, diff)
		}
	}
}

func TestFunctionsOfTheShellAreDefinedForEachShell(t *testing.T) {
	for shell, want := range map[string]string{
		"/bin/bash":                    `run eval "$(forcemfa shell-init bash)", also in ~/.bashrc; `,
		"/usr/bin/zsh":                 `run eval "$(forcemfa shell-init zsh)", also in ~/.zshrc; `,
		"/usr/bin/fish":                "run forcemfa shell-init fish | source, also in ~/.config/fish/config.fish; ",
		"/usr/bin/nu":                  `"forcemfa shell-init --help" shows how to define it; `,
		"C:/Program Files/Git/zsh.exe": `run eval "$(forcemfa shell-init zsh)", also in ~/.zshrc; `,
	} {
		if got := definition(shell); got != want+`without it, use "forcemfa exec"` {
			t.Errorf("%s: %s", shell, got)
		}
	}
}
