package engineer

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
)

// The functions that shell-init prints.
var (
	//go:embed shell/init.sh
	shellInit string
	//go:embed shell/init.fish
	fishInit string
)

var shells = map[string]*string{"bash": &shellInit, "zsh": &shellInit, "fish": &fishInit}

func newShellInit(e *machine) *cobra.Command {
	return &cobra.Command{
		Use:   "shell-init bash|zsh|fish",
		Short: "Functions for your shell",
		Long: `shell-init prints a function that wraps forcemfa and adds two verbs, which only a
shell itself can do:

  forcemfa use [PROFILE]    put the session of a profile into this shell
  forcemfa unuse            take it out again

and forcemfa_prompt, which prints the profile and the time left for a prompt. The
prompt calls nobody and starts nothing.

EXIT STATUS
  0  printed
  1  forcemfa has no functions for this shell`,
		Example: `  eval "$(forcemfa shell-init bash)"       # in ~/.bashrc; zsh likewise
  forcemfa shell-init fish | source        # in ~/.config/fish/config.fish`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := shells[args[0]]
			if !ok {
				return command.WithHint(fmt.Errorf("no functions for the shell %q", args[0]), "name bash, zsh or fish; elsewhere use forcemfa export")
			}
			_, err := io.WriteString(e.Stdout, *text)
			return err
		},
	}
}
