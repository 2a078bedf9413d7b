//go:build unix

package cli

import "syscall"

// become replaces this process by the command, so that there is none between
// it and its parent: signals and the exit status are its own.
func become(_ *Env, path string, command, environ []string) error {
	return notRun(command[0], syscall.Exec(path, command, environ))
}
