package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/testclients"
)

// keyless is a person with a password and no access key, and no MFA device.
func keyless(t *testing.T) *newcomer {
	t.Helper()
	n := newNewcomer(t, "111111111111/bob", "[profile people]\nregion = us-east-1\ncredential_process = forcemfa-credential-process --profile people\n")
	if err := os.Remove(n.home + "/.aws/credentials"); err != nil {
		t.Fatal(err)
	}
	client := administratorsClient(n.world)
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("keyless-kim")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateLoginProfile(t.Context(), &iam.CreateLoginProfileInput{UserName: aws.String("keyless-kim"), Password: aws.String("Correct-Horse-1")}); err != nil {
		t.Fatal(err)
	}
	_, err := client.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: aws.String("keyless-kim"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// browserLogin starts login --browser, and returns the address that it prints.
func (n *newcomer) browserLogin(flags ...string) (cmd *exec.Cmd, address string, rest func() string) {
	n.t.Helper()
	cmd = exec.Command("forcemfa", append([]string{"login", "people", "--browser", "--no-open"}, flags...)...)
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.StderrPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewReader(out)
	for address == "" {
		line, err := lines.ReadString('\n')
		address = regexp.MustCompile(`http://\S+/v1/authorize\?\S+`).FindString(line)
		if err != nil && address == "" {
			n.t.Fatalf("no address: %v", err)
		}
	}
	return cmd, address, func() string {
		text, _ := io.ReadAll(lines)
		_ = cmd.Wait()
		return string(text)
	}
}

// A person without an access key signs in with a browser, and every way to a session works.
func TestLoginWithABrowserServesEveryCommand(t *testing.T) {
	t.Parallel()
	n := keyless(t)
	cmd, address, rest := n.browserLogin()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	form := at.Query()
	form.Set("account", "111111111111")
	form.Set("user", "keyless-kim")
	form.Set("password", "Correct-Horse-1")
	answer, err := http.PostForm("http://"+at.Host+"/v1/authorize", form)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	said := rest()
	if cmd.ProcessState.ExitCode() != 0 || !strings.Contains(string(page), "You are signed in") || !strings.Contains(said, "user/keyless-kim") {
		t.Fatalf("exit status %d: %s\n%s", cmd.ProcessState.ExitCode(), said, page)
	}
	run := func(argv ...string) string {
		t.Helper()
		c := exec.Command(argv[0], argv[1:]...)
		c.Env, c.Dir = n.environ, n.home
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", strings.Join(argv, " "), err)
		}
		return string(out)
	}
	for _, row := range []struct{ command, says string }{
		{"forcemfa sessions", "user/keyless-kim"},
		{"forcemfa sessions -o json", `"kind": "sign-in"`},
		{"forcemfa credential-process people", `"Version":1`},
		{"env forcemfa-credential-process --profile people", `"Version":1`},
		{"forcemfa export people --format env", "AWS_SESSION_TOKEN="},
		{"forcemfa exec people -- env", "AWS_SESSION_TOKEN="},
		{"forcemfa login people", "user/keyless-kim"},
	} {
		if out := run(strings.Fields(row.command)...); !strings.Contains(out, row.says) {
			t.Errorf("%s: no %q in %s", row.command, row.says, out)
		}
	}
	if has, _ := testclients.Has("aws", t.Name()); has {
		if out, err := n.aws("sts", "get-caller-identity", "--profile", "people"); err != nil || !strings.Contains(out, "user/keyless-kim") {
			t.Errorf("aws: %v\n%s", err, out)
		}
	}
	run("forcemfa", "sessions", "clear")
	c := exec.Command("forcemfa", "credential-process", "people")
	c.Env, c.Dir = n.environ, n.home
	if out, err := c.CombinedOutput(); err == nil {
		t.Errorf("after sessions clear: %s", out)
	}
}

// Ctrl-C ends the wait at once.
func TestLoginWithABrowserEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	n := keyless(t)
	cmd, _, rest := n.browserLogin()
	_ = cmd.Process.Signal(syscall.SIGINT)
	if said := rest(); cmd.ProcessState.ExitCode() != 130 && cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit status %d: %s", cmd.ProcessState.ExitCode(), said)
	}
	// What misuse says.
	for flags, says := range map[string]string{
		"--port 99999":  "not the number of a port",
		"--wait 0s":     "longer than zero",
		"--duration 1h": "cannot be given together",
	} {
		c := exec.Command("forcemfa", append([]string{"login", "people", "--browser"}, strings.Fields(flags)...)...)
		c.Env, c.Dir = n.environ, n.home
		if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), says) {
			t.Errorf("%s: %v\n%s", flags, err, out)
		}
	}
}
