package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"forcemfa/internal/emulator"
	"forcemfa/internal/testclients"
)

// A newcomer is a user with an access key in ~/.aws/credentials, and the embedded AWS, whose
// clock stands still.
type newcomer struct {
	t       *testing.T
	home    string
	world   served
	environ []string
	seed    string // of the device that was enrolled
}

func newNewcomer(t *testing.T, user, config string, flags ...string) *newcomer {
	t.Helper()
	n := &newcomer{t: t, home: t.TempDir()}
	n.world, _ = startEmulate(t, append([]string{"--control", "--clock", "manual"}, flags...)...)
	helper, err := credentialProcessDir()
	if err != nil {
		t.Fatal(err)
	}
	n.environ = append(testclients.Environment(),
		"HOME="+n.home, "PATH="+helper+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_ENDPOINT_URL="+n.world.Endpoint, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"FORCEMFA_SECRET_BACKEND=file", "FORCEMFA_SECRET_WORK_FACTOR=12")
	p := n.principal(user)
	n.write(".aws/credentials", fmt.Sprintf("# mine\n[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", p.Name, p.AccessKeyID, p.SecretAccessKey))
	if config != "" {
		n.write(".aws/config", config)
	}
	return n
}

func (n *newcomer) principal(name string) principal {
	n.t.Helper()
	i := slices.IndexFunc(n.world.Principals, func(p principal) bool { return p.Account+"/"+p.Name == name })
	if i < 0 {
		n.t.Fatalf("%s has no access key in this world", name)
	}
	return n.world.Principals[i]
}

func (n *newcomer) write(name, text string) {
	n.t.Helper()
	path := filepath.Join(n.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *newcomer) read(name string) string { return read(n.t, filepath.Join(n.home, name)) }

// inTerminal starts a command of the person in a terminal.
func (n *newcomer) inTerminal(argv ...string) *testclients.Terminal {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = n.environ, n.home
	return testclients.InTerminal(n.t, cmd)
}

// aws runs the AWS CLI without a terminal.
func (n *newcomer) aws(args ...string) (string, error) {
	cmd := testclients.Command(n.t, "aws", args...)
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// code is a code of the enrolled device, by the clock of the emulator.
func (n *newcomer) code(step int) string {
	n.t.Helper()
	code, err := totp.GenerateCode(n.seed, n.clock(http.MethodGet, "").Now.Add(time.Duration(step)*30*time.Second))
	if err != nil {
		n.t.Fatal(err)
	}
	return code
}

// clock reads the clock of the emulator, or moves it.
func (n *newcomer) clock(method, body string) (at emulator.ClockState) {
	n.t.Helper()
	request, _ := http.NewRequest(method, n.world.Control.URL+"/clock", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+n.world.Control.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&at); err != nil {
		n.t.Fatal(err)
	}
	return at
}

// scan reads the seed from the QR code on the terminal, as an authenticator app does.
func (n *newcomer) scan(term *testclients.Terminal) {
	n.t.Helper()
	text, err := readQR(term.Shown())
	uri, bad := url.Parse(text)
	if err != nil || bad != nil || uri.Scheme != "otpauth" {
		n.t.Fatalf("scan the QR code: %q, %v, %v\n%s", text, err, bad, term.Shown())
	}
	n.seed = uri.Query().Get("secret")
}

const passphrase = "correct-horse-battery"

// A new user goes from a key in ~/.aws/credentials to "aws --profile prod s3 ls" in one
// conversation. The QR code is read from the terminal; nothing is changed before the yes.
func TestSetupTakesANewUserToAWorkingProfileInOneConversation(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "aws")
	n := newNewcomer(t, "111111111111/bob", "")
	before := n.read(".aws/credentials")

	term := n.inTerminal("forcemfa", "setup")
	term.Expect("A role that you assume, as NAME=ARN")
	term.Type("prod=Administrator\r")
	term.Expect("want NAME=ARN with the ARN of an IAM role")
	term.Expect("A role that you assume, as NAME=ARN")
	term.Type("prod=arn:aws:iam::111111111111:role/Administrator\r")
	term.Expect("A role that you assume, as NAME=ARN")
	term.Type("\r")
	term.Expect("Region of the profiles")
	term.Type("eu-west-1\r")
	term.Expect("1. enroll an MFA device for bob")
	term.Expect("2. move the access key from " + filepath.Join(n.home, ".aws/credentials"))
	term.Expect("3. change " + filepath.Join(n.home, ".aws/config"))
	term.Expect("+[profile prod]")
	term.Expect("4. start an MFA session, and try the profiles: bob, prod")
	term.Expect("Nothing has been changed yet. Continue? [y/N]")
	if got := n.read(".aws/credentials"); got != before {
		t.Errorf("the file was changed before the question was answered:\n%s", got)
	}
	term.Type("y\r")
	n.enrolls(term)
	n.choosesPassphrase(term)
	term.Expect("removed from " + filepath.Join(n.home, ".aws/credentials"))
	term.Expect("profile prod works: arn:aws:iam::111111111111:role/Administrator")
	term.Expect("next: aws --profile prod s3 ls")
	if status := term.Wait(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, term.Shown())
	}
	if out, err := n.aws("--profile", "prod", "s3", "ls"); err != nil || !strings.Contains(out, "data-111111111111") {
		t.Errorf("aws --profile prod s3 ls: %v\n%s", err, out)
	}
	secret := n.principal("111111111111/bob").SecretAccessKey
	if strings.Contains(term.Shown(), secret) || strings.Contains(n.read(".aws/credentials"), secret) {
		t.Error("the secret access key is on the terminal or still in the file")
	}
}

// enrolls scans the code, and enters two codes and a third one for the first session.
func (n *newcomer) enrolls(term *testclients.Terminal) {
	n.t.Helper()
	term.Expect("Enter the first code of ")
	n.scan(term)
	term.Type(n.code(-1) + "\r")
	term.Expect("Enter the next code: ")
	term.Type(n.code(0) + "\r")
	term.Expect("Enter MFA code for ")
	term.Type(n.code(1) + "\r")
	term.Expect("the device works")
}

func (n *newcomer) choosesPassphrase(term *testclients.Terminal) {
	n.t.Helper()
	term.Expect("New passphrase for ")
	term.Type(passphrase + "\r")
	term.Expect(": ")
	term.Type(passphrase + "\r")
}

const roleOfFrank = `[profile prod]
role_arn = arn:aws:iam::111111111111:role/Administrator
source_profile = frank
mfa_serial = arn:aws:iam::111111111111:mfa/frank
region = eu-west-1
`

// Once MFA is enforced, an access key is not allowed to enroll a device. setup says so before
// a code is entered, names the sign-in page and the command for an administrator, changes
// nothing, and continues when the window is open.
func TestSetupNamesWhomToAskAndContinuesInAnEnrollmentWindow(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "aws")
	n := newNewcomer(t, "111111111111/frank", roleOfFrank)
	n.asAdministrator("", "apply", "--yes", "-q")

	term := n.inTerminal("forcemfa", "setup", "frank")
	term.Expect("an access key is not allowed to enroll an MFA device for frank")
	term.Expect("https://111111111111.signin.aws.amazon.com/console")
	term.Expect("ask an administrator of account 111111111111 to run \"forcemfa enroll --open frank\"")
	term.Expect("Press Enter when this is done")
	n.seed = n.principal("111111111111/admin").MFA[0].Seed
	n.asAdministrator(n.code(0), "enroll", "--open", "frank", "--code-stdin", "-q")
	term.Type("\r")
	term.Expect("Region of the profiles")
	term.Type("eu-west-1\r")
	term.Expect("+# forcemfa-was: mfa_serial")
	term.Expect("Nothing has been changed yet. Continue? [y/N]")
	term.Type("y\r")
	n.enrolls(term)
	n.choosesPassphrase(term)
	term.Expect("profile prod works")
	if status := term.Wait(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, term.Shown())
	}
	if out, err := n.aws("--profile", "prod", "s3", "ls"); err != nil || !strings.Contains(out, "data-111111111111") {
		t.Errorf("aws --profile prod s3 ls: %v\n%s", err, out)
	}

	again := n.inTerminal("forcemfa", "setup", "frank")
	again.Expect("Passphrase for ")
	again.Type(passphrase + "\r")
	again.Expect("1. start an MFA session, and try the profiles: frank, prod")
	again.Expect("Continue? [y/N]")
	again.Type("n\r")
	again.Expect("nothing was changed")
	if status := again.Wait(); status != 1 {
		t.Errorf("exit status %d after no", status)
	}
}

// asAdministrator runs forcemfa with the key of the administrator of account 111111111111.
func (n *newcomer) asAdministrator(code string, args ...string) {
	n.t.Helper()
	p := n.principal("111111111111/admin")
	cmd := exec.Command("forcemfa", args...)
	cmd.Dir, cmd.Stdin = n.home, strings.NewReader(code+"\n")
	cmd.Env = append(slices.Clone(n.environ), "AWS_ACCESS_KEY_ID="+p.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+p.SecretAccessKey, "FORCEMFA_RATE=0", "AWS_REGION=us-east-1")
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 4 {
		n.t.Fatalf("forcemfa %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Without a terminal, setup names the verbs that work without one. --dry-run needs none.
func TestSetupNeedsATerminalAndADryRunDoesNot(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, "111111111111/bob", strings.ReplaceAll(roleOfFrank, "frank", "bob"))
	run := func(args ...string) (string, error) {
		cmd := exec.Command("forcemfa", args...)
		cmd.Env, cmd.Dir, cmd.SysProcAttr = n.environ, n.home, &syscall.SysProcAttr{Setsid: true}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("setup", "bob"); err == nil || !strings.Contains(out, "--code-stdin and --yes") {
		t.Errorf("setup without a terminal: %v\n%s", err, out)
	}
	before := n.read(".aws/config") + n.read(".aws/credentials")
	out, err := run("setup", "bob", "--dry-run")
	if err != nil || !strings.Contains(out, "1. enroll an MFA device for bob") || !strings.Contains(out, "+# forcemfa-was: mfa_serial") {
		t.Errorf("setup --dry-run: %v\n%s", err, out)
	}
	if got := n.read(".aws/config") + n.read(".aws/credentials"); got != before {
		t.Errorf("--dry-run changed the files:\n%s", got)
	}
}
