package main

import (
	"os/exec"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

const rolesOfCarlos = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/PowerUser
source_profile = carlos
[profile prod-admin]
role_arn = arn:aws:iam::111111111111:role/Administrator
source_profile = carlos
[profile sso]
sso_session = company
`

// Without a profile, a terminal shows the profiles that lead to an access key. A few letters
// and Enter pick one; the profile that was used last is the first of the next list.
func TestWithoutAProfileAPersonPicksOne(t *testing.T) {
	testclients.Need(t, "sh")
	t.Parallel()
	n := newNewcomer(t, "111111111111/carlos", rolesOfCarlos)
	n.seed = n.principal("111111111111/carlos").MFA[0].Seed

	term := n.inTerminal("forcemfa", "login")
	term.Expect("Profile:")
	term.Expect("3 of 3")
	term.Type("padm")
	term.Expect("1 of 3")
	term.Type("\r")
	term.Expect("Enter MFA code for ")
	term.Type(n.code(0) + "\r")
	term.Expect("prod-admin: session of arn:aws:iam::111111111111:role/Administrator")
	term.Expect("next: aws sts get-caller-identity --profile prod-admin")
	if status := term.Wait(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, term.Shown())
	}
	if strings.Contains(term.Shown(), "sso") {
		t.Errorf("a profile that signs in with IAM Identity Center is in the list:\n%s", term.Shown())
	}

	again := n.inTerminal("forcemfa", "exec", "--", "sh", "-c", "echo session of $FORCEMFA")
	again.Expect("> prod-admin")
	again.Expect("59m") // the time left
	again.Type("\r")
	again.Expect("session of prod-admin")
	if status := again.Wait(); status != 0 || !again.Echoes() {
		t.Fatalf("exit status %d:\n%s", status, again.Shown())
	}

	for key, want := range map[string]struct {
		message string
		status  int
	}{
		"\x03": {"forcemfa: interrupted", 130}, // Ctrl-C, also where a signal does not come from the keyboard
		"\x04": {"no profile was picked", 1},
		"\x1b": {"no profile was picked", 1},
	} {
		left := n.inTerminal("forcemfa", "console")
		left.Expect("3 of 3")
		left.Type(key)
		left.Expect(want.message)
		if status := left.Wait(); status != want.status || !left.Echoes() {
			t.Fatalf("%q: exit status %d, want %d:\n%s", key, status, want.status, left.Shown())
		}
	}
}

// A mistyped profile gets the nearest one as its hint, from every verb, before an offer to
// store a key under the mistyped name.
func TestAMistypedProfileGetsTheNearestOne(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, "111111111111/carlos", rolesOfCarlos)
	for _, verb := range [][]string{{"login"}, {"exec", "--profile"}, {"export"}, {"console"}, {"rotate"}, {"enroll"}, {"configure"}, {"credential-process"}, {"setup", "--dry-run"}} {
		args := append(append([]string{}, verb...), "prod-amdin")
		if verb[0] == "exec" {
			args = append(args, "--", "true")
		}
		cmd := exec.Command("forcemfa", args...)
		cmd.Env, cmd.Dir = n.environ, n.home
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "hint: did you mean prod-admin?") {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	term := n.inTerminal("forcemfa", "import", "carlso")
	term.Expect("There is no profile carlso; did you mean carlos?")
	term.Type("\r")
	term.Expect("nothing was changed")
	if status := term.Wait(); status != 1 {
		t.Errorf("exit status %d", status)
	}
}
