package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

// awsWithLogin is a stand-in for version 2 of the AWS CLI, whose "login" opens a browser: it
// adds login_session to the profile, and the tokens of the sign-in to the cache.
const awsWithLogin = `#!/bin/sh
case "$1" in
--version) echo "aws-cli/$AWS_VERSION Python/3.13 Linux/6 exe/x86_64" ;;
login) echo "$@ key=$AWS_ACCESS_KEY_ID" >> "$HOME/called"
  sed -i "s|^\[profile $3\]|&\nlogin_session = arn:aws:iam::111111111111:user/alice|" "$HOME/.aws/config" ;;
esac
`

// signsIn writes what "aws login" keeps, with a session of the embedded AWS. awscrt only signs
// renewals, which this session does not need.
const signsIn = `
import boto3, botocore.credentials, botocore.utils, datetime, json, os, sys
user, key, secret, serial, code = sys.argv[1:]
c = boto3.Session(key, secret, region_name="us-east-1").client("sts").get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]
name = botocore.utils.generate_login_cache_key(user)
cache = botocore.utils.get_login_token_cache_directory()
os.makedirs(cache, mode=0o700)
json.dump({"accessToken": {"accessKeyId": c["AccessKeyId"], "secretAccessKey": c["SecretAccessKey"], "sessionToken": c["SessionToken"],
  "accountId": "111111111111", "expiresAt": (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")},
  "refreshToken": "none", "dpopKey": "none", "clientId": "none"}, open(os.path.join(cache, name + ".json"), "w"))
botocore.credentials.EC = object()
for profile in ["alice-login", "prod"]:
    print(boto3.Session(profile_name=profile).client("sts").get_caller_identity()["Arn"])
`

// Without a key on disk, setup writes profiles that boto3 uses with the session of "aws login".
func TestSetupConfiguresAWSLogin(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "boto3")
	n := newNewcomer(t, "111111111111/alice", "# mine\n[profile prod]\nrole_arn = arn:aws:iam::111111111111:role/Administrator\nsource_profile = alice-login\nmfa_serial = arn:aws:iam::111111111111:mfa/alice\n")
	bin := filepath.Join(n.home, "bin")
	n.write("bin/aws", awsWithLogin)
	if err := os.Chmod(filepath.Join(bin, "aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	n.environ = append(n.environ, "AWS_VERSION=2.32.1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	before := n.read(".aws/config")

	term := n.inTerminal("forcemfa", "setup", "alice-login", "--aws-login")
	term.Expect("It fits you if you have a password for the console and a browser")
	term.Expect("AWS does not document whether requests with these credentials count as made with MFA")
	term.Expect("Region of the profiles")
	term.Type("eu-west-1\r")
	term.Expect("1. change " + filepath.Join(n.home, ".aws/config"))
	term.Expect("2. run: aws login --profile alice-login")
	term.Expect("Nothing has been changed yet. Continue? [y/N]")
	if got := n.read(".aws/config"); got != before {
		t.Errorf("the file was changed before the question was answered:\n%s", got)
	}
	term.Type("y\r")
	term.Expect("Each morning: aws login --profile alice-login")
	term.Expect("next: aws --profile prod sts get-caller-identity")
	if status := term.Wait(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, term.Shown())
	}
	if got := n.read("called"); got != "login --profile alice-login key=\n" {
		t.Errorf("the AWS CLI was called with %q", got)
	}
	p := n.principal("111111111111/alice")
	n.seed = p.MFA[0].Seed
	cmd := testclients.Command(t, "python3", "-c", signsIn, "arn:aws:iam::111111111111:user/alice", p.AccessKeyID, p.SecretAccessKey, p.MFA[0].Serial, n.code(0))
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), ":user/alice\n") || !strings.Contains(string(out), ":assumed-role/Administrator/") {
		t.Errorf("boto3: %v\n%s\n%s", err, out, n.read(".aws/config"))
	}
}

// What cannot work is refused before anything is written: a profile with other credentials, an
// AWS CLI without "aws login".
func TestSetupRefusesAWSLoginWhereItCannotWork(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, "111111111111/alice", "[profile other]\ncredential_process = x\n[profile role]\nrole_arn = arn:aws:iam::111111111111:role/Administrator\n[profile stored]\nforcemfa_store = file\n[profile sso]\nsso_session = x\n")
	n.write("bin/aws", awsWithLogin)
	if err := os.Chmod(filepath.Join(n.home, "bin", "aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	n.environ = append(n.environ, "PATH="+filepath.Join(n.home, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, row := range []struct{ profile, version, want string }{
		{"alice", "2.32.1", `profile alice has aws_access_key_id`},
		{"other", "2.32.1", `profile other has credential_process`},
		{"role", "2.32.1", `profile role has role_arn`},
		{"stored", "2.32.1", `profile stored has forcemfa_store`},
		{"sso", "2.32.1", `profile sso has sso_session`},
		{"new", "2.31.9", `"aws login" is new in aws-cli/2.32.0`},
		{"new", "1.45.11", `"aws login" is new in aws-cli/2.32.0`},
		{"new", "", `"aws login" is new in aws-cli/2.32.0`},
	} {
		n.environ = append(n.environ, "AWS_VERSION="+row.version)
		before := n.read(".aws/config")
		term := n.inTerminal("forcemfa", "setup", row.profile, "--aws-login")
		term.Expect(row.want)
		if status := term.Wait(); status != 1 || n.read(".aws/config") != before {
			t.Errorf("%v: exit status %d\n%s", row, status, term.Shown())
		}
	}
}
