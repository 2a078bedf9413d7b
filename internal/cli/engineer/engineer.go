// Package engineer holds the verbs of an engineer's day: keys, profiles, sessions
// and MFA devices.
package engineer

import (
	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
)

// Commands returns the verbs, in the order of their help.
func Commands(e *command.Env) []*cobra.Command {
	m := &machine{Env: e}
	return []*cobra.Command{
		newSetup(m), newImport(m), newConfigure(m), newDoctor(m), newLogin(m), newCredentialProcess(m), newExec(m), newExport(m),
		newSessions(m), newShellInit(m), newConsole(m), newRotate(m), newEnroll(m), newNotice(m),
		newShellFunction(m, "use"), newShellFunction(m, "unuse"),
	}
}
