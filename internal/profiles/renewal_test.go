package profiles

import (
	"errors"
	"strings"
	"testing"

	"forcemfa/internal/awsfile"
)

const (
	helperLine = "credential_process = forcemfa-credential-process --profile alice\n"
	roleLines  = "[profile prod]\nrole_arn = arn:aws:iam::111111111111:role/admin\n"
)

// AWS tools do not know include_profile, use a key in a file before a
// credential_process, and prompt for a code where a role has mfa_serial.
func TestRenewingFollowsAWSTools(t *testing.T) {
	for _, row := range []struct{ story, config, credentials, profile, want, err, next string }{
		{story: "the key's profile", config: "[profile alice]\n" + helperLine, profile: "alice", want: "alice"},
		{story: "a role", config: "[profile alice]\n" + helperLine + roleLines + "source_profile = alice\n", profile: "prod", want: "prod"},
		{story: "default", config: "[default]\ncredential_process = forcemfa-credential-process\n", profile: "default", want: "default"},
		{
			story: "a second profile for the session", config: "[profile mfa]\n" + helperLine,
			credentials: "[alice]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n", profile: "alice", want: "mfa",
		},
		{
			story: "a key in the file", credentials: "[alice]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n",
			config: "[profile alice]\n" + helperLine, profile: "alice",
			err: "credentials:2: profile alice holds an access key", next: `"forcemfa configure --as alice-mfa alice"`,
		},
		{
			story: "a role of such a key", credentials: "[al ice]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n",
			config: roleLines + "source_profile = al ice\n", profile: "prod", err: "profile al ice holds an access key", next: `forcemfa import al\ ice`,
		},
		{
			story: "a written session", credentials: "[alice]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = x\naws_session_token = y\n",
			profile: "alice", err: "holds temporary credentials",
		},
		{story: "no helper", config: "[profile alice]\nforcemfa_store = file\n", profile: "alice", err: "has no credential_process", next: "forcemfa configure alice"},
		{story: "another program", config: "[profile alice]\ncredential_process = vault --profile alice\n", profile: "alice", err: "config:2: credential_process of profile alice is not"},
		{story: "mfa_serial", config: "[profile alice]\n" + helperLine + roleLines + "source_profile = alice\nmfa_serial = GAHT12345678\n", profile: "prod", err: "config:6: profile prod has mfa_serial", next: "forcemfa configure alice"},
		{story: "a long role", config: "[profile alice]\n" + helperLine + roleLines + "source_profile = alice\nduration_seconds = 7200\n", profile: "prod", err: "requests 7200 seconds", next: "leave --renew out"},
		{story: "a role with a key", config: roleLines + "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n", profile: "prod", err: "use the key without MFA"},
		{story: "a space", config: "[profile al ice]\ncredential_process = forcemfa-credential-process --profile 'al ice'\n", profile: "al ice", err: `cannot read the name of profile "al ice"`, next: "rename it to al-ice"},
		{story: "a quoted space", config: "[profile 'al ice']\ncredential_process = forcemfa-credential-process --profile 'al ice'\n", profile: "al ice", err: `the name of profile "al ice"`, next: "leave --renew out"},
		{story: "letters of another alphabet", config: "[profile alïce]\n" + helperLine, profile: "alïce", err: `"alïce"`, next: "rename it to al-ce"},
		{story: "the name of the source", config: "[profile a,b]\n" + helperLine + roleLines + "source_profile = a,b\n", profile: "prod", err: `"a,b"`, next: "rename it to a-b"},
		{story: "every character that tools read", config: "[profile a_-.:/@+%1]\n" + helperLine, profile: "a_-.:/@+%1", want: "a_-.:/@+%1"},
		{
			story: "a second profile with a plain name", config: "[profile mfa]\ncredential_process = forcemfa-credential-process --profile 'al ice'\n",
			credentials: "[al ice]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n", profile: "al ice", want: "mfa",
		},
		{story: "included", config: "[profile alice]\n" + helperLine + "[profile base]\nsource_profile = alice\n" + roleLines + "include_profile = base\n", profile: "prod", err: "config:4: source_profile of profile prod comes from include_profile"},
		{story: "a loop", config: roleLines + "source_profile = b\n[profile b]\nrole_arn = x\nsource_profile = prod\n", profile: "prod", err: "prod → b → prod"},
		{story: "nobody", config: roleLines + "source_profile = gone\n", profile: "prod", err: "no profile gone"},
	} {
		files := &awsfile.Files{Config: awsfile.Parse("config", []byte(row.config)), Credentials: awsfile.Parse("credentials", []byte(row.credentials))}
		got, err := Renewing(files, row.profile)
		var problem *Error
		switch {
		case row.err == "" && (err != nil || got != row.want):
			t.Errorf("%s: %q, %v", row.story, got, err)
		case row.err != "" && (!errors.As(err, &problem) || !strings.Contains(err.Error(), row.err) || !strings.Contains(problem.Next, row.next)):
			t.Errorf("%s: %q, %v, want %s", row.story, got, err, row.err)
		}
	}
}
