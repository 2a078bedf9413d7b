package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

// A storeDay is a day with the key in one kind of store.
type storeDay struct {
	name       string
	environ    []string
	importKey  bool
	passphrase bool // forcemfa itself asks for it
	command    bool // a stand-in for pass, which gpg would unlock
}

// The day of an engineer in a terminal: enroll, import, configure, login, exec, console,
// rotate and sessions, with the clock through more than twelve hours. Whatever the store,
// one code starts the next day, a passphrase is needed once, and hours without a terminal
// pass in between.
func TestTheDayAsksOnceInEveryStore(t *testing.T) {
	testclients.Need(t, "aws", "sh")
	t.Parallel()
	for i, d := range []storeDay{
		{name: "credentials file"},
		{name: "encrypted file", importKey: true, passphrase: true},
		{name: "pass", importKey: true, command: true, environ: []string{"FORCEMFA_SECRET_BACKEND=pass"}},
		{name: "pass with sessions", importKey: true, command: true, environ: []string{"FORCEMFA_SECRET_BACKEND=pass", "FORCEMFA_SESSIONS=pass"}},
	} {
		if i%testdepth.Each(4) != 0 { // day.txtar has a day with the encrypted file
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			d.run(t)
		})
	}
}

func (d storeDay) run(t *testing.T) {
	n := newNewcomer(t, "111111111111/bob", "")
	n.environ = append(n.environ, d.environ...)
	n.environ = append(n.environ, "FORCEMFA_SIGNIN_ENDPOINT="+federation(t))
	if d.command {
		n.standInForPass()
	}
	profile := "bob"

	term := n.inTerminal("forcemfa", "enroll", "bob")
	n.enrolls(term)
	n.ends(term, 0)
	if d.importKey {
		term = n.inTerminal("forcemfa", "import", "bob", "--yes")
		if d.passphrase {
			n.choosesPassphrase(term)
		}
		n.ends(term, 0)
	}
	configure := []string{"forcemfa", "configure", "bob", "--role", "admin=arn:aws:iam::111111111111:role/Administrator", "--region", "eu-west-1", "--yes"}
	if !d.importKey {
		profile = "bob-mfa"
		configure = append(configure, "--as", profile)
	}
	n.ends(n.inTerminal(configure...), 0)

	shows := n.opened()
	n.ends(n.inTerminal("forcemfa", "login", "bob"), 0) // the session of enroll: nothing is asked
	for _, pause := range []string{"1h", "10h"} {
		n.hour(profile)
		n.advance(pause)
	}
	n.hour(profile)
	if got := n.opened(); d.command && !slices.Contains(d.environ, "FORCEMFA_SESSIONS=pass") && got != shows {
		t.Errorf("the store of the key was opened %d times in the first twelve hours", got-shows)
	}

	n.advance("2h")
	term = n.inTerminal("forcemfa", "login", "bob")
	if d.passphrase {
		term.Expect("Passphrase for ")
		term.Type(passphrase + "\r")
	}
	term.Expect("Enter MFA code for ")
	term.Type(n.code(0) + "\r")
	n.ends(term, 0)
	n.hour(profile)

	term = n.inTerminal("forcemfa", "rotate", "bob")
	if d.passphrase { // it stores a key
		term.Expect("Passphrase for ")
		term.Type(passphrase + "\r")
	}
	n.ends(term, 0)
	n.hour(profile)
}

// ends waits for a command whose questions have all been answered.
func (n *newcomer) ends(term *testclients.Terminal, want int) {
	n.t.Helper()
	if status := term.Wait(); status != want {
		n.t.Fatalf("exit status %d, want %d:\n%s", status, want, term.Shown())
	}
}

// hour uses everything without a terminal, so that each question is a failure.
func (n *newcomer) hour(profile string) {
	n.t.Helper()
	for _, step := range []struct{ command, want string }{
		{"forcemfa exec bob -- sh -c 'echo $FORCEMFA'", "bob"},
		{"forcemfa exec admin -- aws sts get-caller-identity --query Arn --output text", ":assumed-role/Administrator/"},
		{"forcemfa exec admin --renew -- sh -c 'echo $AWS_PROFILE $AWS_REGION'", "admin eu-west-1"},
		{"forcemfa export admin", `"SessionToken"`},
		{"forcemfa console admin", "SigninToken=token"},
		{"forcemfa sessions", "MFA by arn:aws:iam::111111111111:mfa/bob"},
		{"aws sts get-caller-identity --query Arn --output text --profile " + profile, ":user/bob"},
	} {
		cmd := testclients.Command(n.t, "sh", "-c", step.command)
		cmd.Env, cmd.Dir, cmd.SysProcAttr = n.environ, n.home, &syscall.SysProcAttr{Setsid: true}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), step.want) {
			n.t.Fatalf("%s: %v, want %s\n%s", step.command, err, step.want, out)
		}
	}
}

// advance moves the clock of the emulator and of forcemfa.
func (n *newcomer) advance(pause string) {
	n.t.Helper()
	at := n.clock(http.MethodPost, fmt.Sprintf(`{"advance":%q}`, pause))
	n.environ = append(n.environ, offsetVariable+"="+at.Advanced)
}

// federation serves a federation endpoint that answers like AWS's.
func federation(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"SigninToken":"token"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/federation"
}

// standInForPass is a password manager in files, which notes each secret that it shows.
func (n *newcomer) standInForPass() {
	n.t.Helper()
	n.write("bin/pass", `#!/bin/sh
verb=$1
shift
for entry; do :; done
file=$HOME/entries/$(echo "$entry" | tr / _)
mkdir -p "$HOME/entries"
case $verb in
show) [ -f "$file" ] || { echo "Error: $entry is not in the password store." >&2; exit 1; }; echo "$entry" >>"$HOME/shown"; cat "$file" ;;
insert) cat >"$file" ;;
rm) rm -f "$file" ;;
esac
`)
	if err := os.Chmod(filepath.Join(n.home, "bin", "pass"), 0o700); err != nil {
		n.t.Fatal(err)
	}
	n.environ = append(n.environ, "FORCEMFA_PASS_COMMAND="+filepath.Join(n.home, "bin", "pass"))
}

// opened counts the secrets that the stand-in has shown.
func (n *newcomer) opened() int {
	text, _ := os.ReadFile(filepath.Join(n.home, "shown"))
	return strings.Count(string(text), "\n")
}
