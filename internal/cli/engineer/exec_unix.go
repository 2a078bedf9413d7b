//go:build unix

package engineer

import "syscall"

// become replaces this process by the command, so that there is none between
// it and its parent: signals and the exit status are its own.
func become(e *machine, path string, argv, environ []string) error {
	e.ReleaseTerminal()
	return notRun(argv[0], syscall.Exec(path, argv, environ))
}
