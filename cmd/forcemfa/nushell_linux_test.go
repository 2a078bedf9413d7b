package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testclients"
)

const nushellScript = `
source init.nu
def state [] {
  print ([FORCEMFA AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION] | each {|n| $env | get --optional $n | default "-" } | append (if "AWS_SESSION_TOKEN" in $env { "session" } else { "-" }) | str join " ")
}
$env.AWS_PROFILE = "alice"
$env.AWS_DEFAULT_REGION = "us-west-2"
forcemfa use -q --profile alice
state
try { forcemfa use nosuch } catch { print "failed" }
state
forcemfa use --region eu-north-1 alice
state
print ((forcemfa_prompt) =~ '^alice 1[12]h[0-5][0-9]m$')
forcemfa exec alice -- printenv AWS_REGION
forcemfa unuse
state
forcemfa unuse
state
`

// Nushell has no eval: use and unuse change the variables themselves, as in other shells.
func TestNushellUsesAndRemovesSessions(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "@nushell/linux-x64")
	n := newNewcomer(t, "111111111111/alice", "")
	n.seed = n.principal("111111111111/alice").MFA[0].Seed
	n.environ = append(n.environ, "FORCEMFA_CODE="+n.code(0))
	n.write("init.nu", printed(t, n, "shell-init", "nushell"))
	n.write("day.nu", nushellScript)
	cmd := testclients.Nushell(t, filepath.Join(n.home, "day.nu"))
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "alice - us-west-2 us-west-2 session\nfailed\nalice - us-west-2 us-west-2 session\nalice - eu-north-1 eu-north-1 session\ntrue\neu-north-1\n- alice - us-west-2 -\n- alice - us-west-2 -\n"
	if d := cmp.Diff(want, string(out)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// printed is what a command of forcemfa prints.
func printed(t *testing.T, n *newcomer, args ...string) string {
	t.Helper()
	cmd := exec.Command("forcemfa", args...)
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
