//go:build unix

package engineer

import (
	"os/exec"
	"syscall"
)

// become replaces this process by the command, so that there is none between
// it and its parent: signals and the exit status are its own.
func become(e *machine, path string, argv, environ []string) error {
	e.ReleaseTerminal()
	return notRun(argv[0], syscall.Exec(path, argv, environ))
}

// detach keeps a program running when the terminal sends Ctrl-C or closes.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
