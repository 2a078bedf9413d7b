package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testclients"
)

const powershellScript = `
$ErrorActionPreference = 'Stop'
Get-Content -Raw init.ps1 | Invoke-Expression
function state {
  $words = foreach ($name in 'FORCEMFA', 'AWS_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION') {
    $value = [Environment]::GetEnvironmentVariable($name)
    if ($value) { $value } else { '-' }
  }
  $words += if ($Env:AWS_SESSION_TOKEN) { 'session' } else { '-' }
  [Console]::Out.Write(($words -join ' ') + "` + "`n" + `")
}
$Env:AWS_PROFILE = 'alice'
$Env:AWS_DEFAULT_REGION = 'us-west-2'
Enter-ForcemfaSession -q --profile alice
state
Enter-ForcemfaSession nosuch
state
Enter-ForcemfaSession --region eu-north-1 alice
state
[Console]::Out.Write("$((Get-ForcemfaPrompt) -match '^alice 1[12]h[0-5][0-9]m$')` + "`n" + `")
forcemfa exec alice -- printenv AWS_REGION
Exit-ForcemfaSession
state
Exit-ForcemfaSession
state
`

// PowerShell has functions of its own names, because it removes -- from the arguments
// of a function.
func TestPowerShellUsesAndRemovesSessions(t *testing.T) {
	t.Parallel()
	if !testclients.HasPowerShell() {
		t.Skip("pwsh is not installed")
	}
	n := newNewcomer(t, "111111111111/alice", "")
	n.seed = n.principal("111111111111/alice").MFA[0].Seed
	n.environ = append(n.environ, "FORCEMFA_CODE="+n.code(0))
	n.write("init.ps1", printed(t, n, "shell-init", "powershell"))
	n.write("day.ps1", powershellScript)
	cmd := testclients.Command(t, "pwsh", "-NoProfile", "-NonInteractive", "-File", filepath.Join(n.home, "day.ps1"))
	cmd.Env, cmd.Dir = n.environ, n.home
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "alice - us-west-2 us-west-2 session\nalice - us-west-2 us-west-2 session\nalice - eu-north-1 eu-north-1 session\nTrue\neu-north-1\n- alice - us-west-2 -\n- alice - us-west-2 -\n"
	if d := cmp.Diff(want, string(out)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
