package engineer

import (
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
)

// The functions that shell-init prints.
var (
	//go:embed shell/init.sh
	shellInit string
	//go:embed shell/init.fish
	fishInit string
	//go:embed shell/init.nu
	nuInit string
	//go:embed shell/init.ps1
	powershellInit string
)

var shells = map[string]*string{"bash": &shellInit, "zsh": &shellInit, "fish": &fishInit, "nushell": &nuInit, "powershell": &powershellInit}

func newShellInit(e *machine) *cobra.Command {
	return &cobra.Command{
		Use:   "shell-init bash|zsh|fish|nushell|powershell",
		Short: "Print functions for your shell",
		Long: `shell-init prints a function that wraps forcemfa and adds two commands that change the
environment of the shell:

  forcemfa use [PROFILE]    set the session of a profile in this shell
  forcemfa unuse            remove it

It also prints forcemfa_prompt, which shows the profile and the time left in your
prompt. forcemfa_prompt makes no network requests.

In PowerShell, the functions are Enter-ForcemfaSession, Exit-ForcemfaSession and
Get-ForcemfaPrompt, because PowerShell removes -- from the arguments of functions.

EXIT STATUS
  0  the functions are on stdout
  1  the shell is not supported`,
		Example: `  eval "$(forcemfa shell-init bash)"       # in ~/.bashrc or ~/.zshrc
  forcemfa shell-init fish | source        # in ~/.config/fish/config.fish
  forcemfa shell-init nushell | save --force ($nu.data-dir | path join vendor autoload forcemfa.nu)
  forcemfa shell-init powershell | Out-String | Invoke-Expression   # in $PROFILE`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish", "nushell", "powershell"},
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := shells[args[0]]
			if !ok {
				return command.WithHint(fmt.Errorf("shell %q is not supported", args[0]), "use bash, zsh, fish, nushell or powershell, or forcemfa export in other shells")
			}
			_, err := io.WriteString(e.Stdout, *text)
			return err
		},
	}
}

// newShellFunction explains a function of the shell to people whose shell does not have it.
func newShellFunction(e *machine, name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: "Explain how to get this function of the shell", Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return command.WithHint(fmt.Errorf("\"forcemfa %s\" is a function of the shell, which this shell does not have", name), definition(ownShell(e.Getenv)))
		},
	}
}

// definition says how a shell gets the functions.
func definition(shell string) string {
	switch name := strings.TrimSuffix(filepath.Base(shell), ".exe"); name {
	case "bash", "zsh":
		return fmt.Sprintf("run eval \"$(forcemfa shell-init %s)\", also in ~/.%src; without it, use \"forcemfa exec\"", name, name)
	case "fish":
		return "run forcemfa shell-init fish | source, also in ~/.config/fish/config.fish; without it, use \"forcemfa exec\""
	}
	return "\"forcemfa shell-init --help\" shows how to define it; without it, use \"forcemfa exec\""
}
