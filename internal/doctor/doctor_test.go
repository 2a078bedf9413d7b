package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/doctor"
	"forcemfa/internal/secret"
)

// A laptop is a machine with settings in a temporary home directory.
type laptop struct {
	doctor.Machine
	env map[string]string
}

func newLaptop(t *testing.T, config, credentials string) *laptop {
	t.Helper()
	l := &laptop{env: map[string]string{}}
	l.Home, l.Now = t.TempDir(), time.Now
	l.Getenv = func(name string) string { return l.env[name] }
	l.Store = func(awsfile.Profile) (secret.Store, error) { return nil, errors.New("no store in this test") }
	if err := os.Mkdir(filepath.Join(l.Home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config": config, "credentials": credentials} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(l.Home, ".aws", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// examine returns the findings, one line each: level, check, place and text.
func (l *laptop) examine(t *testing.T, o doctor.Options) []string {
	t.Helper()
	report := doctor.Examine(t.Context(), l.Machine, o)
	lines := []string{}
	for _, f := range report.Findings {
		if f.Next == "" {
			t.Errorf("%s: no next step", f.What)
		}
		line := strings.Join([]string{string(f.Level), f.Check, f.Where, f.What}, " | ")
		lines = append(lines, strings.ReplaceAll(line, filepath.Join(l.Home, ".aws")+string(filepath.Separator), ""))
	}
	if len(lines) > 0 && report.Next != report.Findings[0].Next {
		t.Errorf("the next step is %q, the first finding's %q", report.Next, report.Findings[0].Next)
	}
	return lines
}

const bobsKey = "[bob]\naws_access_key_id = AKIABOBBOBBOBBOB0000\naws_secret_access_key = canary\n"

const plainText = "risk | plaintext | credentials:3 | profile bob: a long-lived key is stored in plain text"

func TestFindingsInFiles(t *testing.T) {
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, config, credentials string
		profile                   string
		env                       map[string]string
		want                      []string
	}{
		{name: "no settings", want: []string{"broken | profile | config | there is no profile yet"}},
		{name: "key in the store", config: "[profile bob]\nforcemfa_store = file\n", want: []string{}},
		{name: "unknown store", config: "[profile bob]\nforcemfa_store = safe\n",
			want: []string{`broken | store | config:2 | forcemfa_store: unknown secret store "safe"`}},
		{name: "key in plain text", credentials: bobsKey, want: []string{plainText}},
		{name: "profile of an argument is missing", profile: "eve", credentials: bobsKey,
			want: []string{"broken | profile | eve | this profile is in neither config nor credentials", plainText}},
		{name: "profile of AWS_PROFILE is missing", env: map[string]string{"AWS_PROFILE": "eve"}, credentials: bobsKey,
			want: []string{"broken | profile | eve | this profile is in neither config nor credentials", plainText}},
		{name: "profile is missing and there is no other", profile: "eve",
			want: []string{"broken | profile | eve | this profile is in neither config nor credentials"}},
		{name: "include_profile of a missing profile", config: "[profile bob]\ninclude_profile = gone\n",
			want: []string{"broken | profile | bob | config:2: include_profile: no such profile: gone is in neither config nor credentials"}},
		{name: "UTF-16", config: "\xff\xfe[\x00", credentials: bobsKey,
			want: []string{"broken | files | config | config:1: the file is UTF-16; save it as UTF-8", plainText}},
		{name: "secret in a comment", config: "[profile x]\nregion = eu-west-1\n# aws_secret_access_key = canary\n",
			want: []string{"risk | plaintext | config:3 | this comment looks like a secret"}},
		{name: "source_profile is missing", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = gone\n",
			want: []string{"broken | profile | config:3 | profile r: source_profile gone is in neither file"}},
		{name: "role without a source", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\n",
			want: []string{"broken | profile | config:2 | profile r has a role_arn and no credentials to assume it with"}},
		{name: "setting that STS refuses", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\ncredential_source = Environment\nexternal_id = x\n",
			want: []string{"broken | setting | config:4 | external_id of profile r is not accepted by STS: x"}},
		{name: "alias", config: "[profile p]\nsource_profile = q\nregion = eu-west-1\n[profile q]\ncredential_process = go\n[profile r]\nsource_profile = gone\n",
			want: []string{
				"broken | profile | config:7 | profile r: source_profile gone is in neither file",
				"risk | profile | config:2 | profile p: AWS tools read source_profile only with a role_arn, so that they find no credentials",
			}},
		{name: "two default sections", config: "[profile default]\nregion = eu-west-1\n[default]\nregion = eu-west-3\n",
			want: []string{"risk | profile | config:1 | the file has [default] and [profile default], and AWS tools differ in which one they read"}},
		{name: "variable as Region", config: "[profile r]\nregion = ${AWS_REGION}\n",
			want: []string{"broken | setting | config:2 | region of profile r is not the name of a Region: ${AWS_REGION}"}},
		{name: "role by credential_source", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\ncredential_source = Environment\n", want: []string{}},
		{name: "circle of two", config: "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/A\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::111111111111:role/B\nsource_profile = a\n",
			want: []string{
				"broken | profile | config:3 | source_profile settings form a loop: a → b → a",
				"broken | profile | config:6 | source_profile settings form a loop: b → a → b",
			}},
		{name: "a profile that leads into a circle of others", config: "[profile c]\nrole_arn = arn:aws:iam::111111111111:role/C\nsource_profile = a\n[profile a]\nrole_arn = arn:aws:iam::111111111111:role/A\nsource_profile = a\n",
			want: []string{"broken | profile | config:6 | source_profile settings form a loop: a → a"}},
		{name: "role with its own key", credentials: "[bob]\naws_access_key_id = AKIABOBBOBBOBBOB0000\naws_secret_access_key = canary\n",
			config: "[profile bob]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = bob\n", want: []string{plainText}},
		{name: "credential_process of a role", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = bob\ncredential_process = " + here + "\n", credentials: bobsKey,
			want: []string{"broken | profile | config:4 | profile r: SDKs ignore credential_process in a profile with a role_arn", plainText}},
		{name: "program of credential_process is missing", config: "[profile p]\ncredential_process = no-such-program x\n",
			want: []string{"broken | process | config:2 | profile p: the program of credential_process was not found: no-such-program"}},
		{name: "credential_process is not a command", config: "[profile p]\ncredential_process = \"\n",
			want: []string{"broken | process | config:2 | profile p: credential_process is not a command"}},
		{name: "key beside credential_process", config: "[profile bob]\ncredential_process = " + here + "\n", credentials: bobsKey,
			want: []string{"risk | process | config:2 | profile bob: SDKs use the access key in the file and never run credential_process", plainText}},
		{name: "mfa_serial is a security key", config: "[profile x]\nmfa_serial = arn:aws:iam::1:u2f/user/bob/key\n",
			want: []string{"broken | device | config:2 | profile x: mfa_serial is a security key, and STS accepts only codes"}},
		{name: "mfa_serial of a role", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = bob\nmfa_serial = arn:aws:iam::1:mfa/bob\n", credentials: bobsKey,
			want: []string{plainText, "risk | prompts | config:4 | profile r: mfa_serial in a role profile makes each tool prompt for a code, and Terraform and SDKs cannot prompt"}},
		{name: "mfa_serial beside a key", config: "[profile bob]\nmfa_serial = arn:aws:iam::1:mfa/bob\n", credentials: bobsKey,
			want: []string{"risk | prompts | config:2 | profile bob: SDKs use its key without MFA; they read mfa_serial only with a role_arn", plainText}},
		{name: "key in the environment", config: "[profile bob]\nforcemfa_store = file\n", env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"},
			want: []string{"risk | environment | AWS_ACCESS_KEY_ID | a long-lived key in the environment overrides every profile, without MFA"}},
		{name: "session in the environment", config: "[profile bob]\nforcemfa_store = file\n",
			env:  map[string]string{"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_PROFILE": "bob"},
			want: []string{"risk | environment | AWS_ACCESS_KEY_ID | a session in the environment overrides AWS_PROFILE in most tools"}},
		{name: "source_profile with credential_source", credentials: bobsKey,
			config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = bob\ncredential_source = Environment\n",
			want:   []string{"broken | profile | config:4 | profile r has both source_profile and credential_source: the AWS CLI and SDKs refuse it", plainText}},
		{name: "a secret in the other file", config: "[profile bob]\naws_secret_access_key = canary\n", credentials: "[bob]\naws_access_key_id = AKIABOBBOBBOBBOB0000\n",
			want: []string{
				"broken | key | credentials:2 | profile bob: the secret access key is in another file, config:2, and the AWS CLI and boto3 read a key from one file",
				"risk | plaintext | config:2 | profile bob: a long-lived key is stored in plain text",
			}},
		{name: "a key without its secret", credentials: "[bob]\naws_access_key_id = AKIABOBBOBBOBBOB0000\n",
			want: []string{"broken | key | credentials:2 | profile bob: aws_access_key_id has no aws_secret_access_key"}},
		{name: "a secret without its ID", credentials: "[bob]\naws_secret_access_key = canary\n",
			want: []string{"broken | key | credentials:2 | profile bob: aws_secret_access_key has no aws_access_key_id", "risk | plaintext | credentials:2 | profile bob: a long-lived key is stored in plain text"}},
		{name: "a temporary key without its token", credentials: "[bob]\naws_access_key_id = ASIABOBBOBBOBBOB0000\naws_secret_access_key = canary\n",
			want: []string{"broken | key | credentials:2 | profile bob: temporary credentials without aws_session_token, which AWS refuses"}},
		{name: "the old name of the token", credentials: bobsKey + "aws_security_token = t\n", want: []string{}},
		{name: "temporary credentials hide the process", credentials: bobsKey + "aws_session_token = t\n", config: "[profile bob]\ncredential_process = " + awsfile.Word(here) + "\n",
			want: []string{"risk | process | config:2 | profile bob: SDKs use the temporary credentials in the file and never run credential_process"}},
		{name: "the old name of the token in the environment", config: "[profile bob]\nforcemfa_store = file\n",
			env: map[string]string{"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SECURITY_TOKEN": "t"}, want: []string{}},
		{name: "a temporary key without its token in the environment", config: "[profile bob]\nforcemfa_store = file\n",
			env:  map[string]string{"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s"},
			want: []string{"broken | environment | AWS_ACCESS_KEY_ID | temporary credentials in the environment have no session token, so AWS refuses them"}},
		{name: "two profiles in the environment", config: "[profile bob]\nforcemfa_store = file\n", env: map[string]string{"AWS_PROFILE": "bob", "AWS_DEFAULT_PROFILE": "eve"},
			want: []string{"risk | environment | AWS_DEFAULT_PROFILE | AWS_PROFILE and AWS_DEFAULT_PROFILE name different profiles: boto3 uses eve, and most other tools bob"}},
		{name: "half a key in the environment", config: "[profile bob]\nforcemfa_store = file\n", env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIA"},
			want: []string{"broken | environment | AWS_ACCESS_KEY_ID | it is set, but AWS_SECRET_ACCESS_KEY is not"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLaptop(t, row.config, row.credentials)
			for name, value := range row.env {
				l.env[name] = value
			}
			got := l.examine(t, doctor.Options{Profile: row.profile, Offline: true})
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFileWithSecretsThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	l := newLaptop(t, "", bobsKey)
	path := filepath.Join(l.Home, ".aws", "credentials")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{"risk | permissions | credentials | other users of this machine can read its secrets (mode 0644)", plainText}
	if diff := cmp.Diff(want, l.examine(t, doctor.Options{Offline: true})); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := l.examine(t, doctor.Options{Offline: true}); len(got) == 0 || !strings.HasPrefix(got[0], "broken | files | credentials | cannot be read: ") {
		t.Errorf("a directory in place of the file: %q", got)
	}
}

func TestLinesThatOtherToolsRefuse(t *testing.T) {
	l := newLaptop(t, "[profile x]\nregion eu-west-1\n", "")
	got := l.examine(t, doctor.Options{Offline: true})
	if len(got) != 1 || !strings.HasPrefix(got[0], "broken | syntax | config:2 | ") || !strings.HasSuffix(got[0], ": the AWS CLI and boto3 refuse to read the file") {
		t.Errorf("%q", got)
	}
}
