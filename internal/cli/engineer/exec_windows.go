package engineer

import (
	"errors"
	"os/exec"
	"syscall"

	"forcemfa/internal/cli/command"
)

// become runs the command and ends with its exit status. The console sends Ctrl-C to
// the command too, which decides whether to end.
func become(e *machine, path string, argv, environ []string) error {
	e.ReleaseTerminal()
	c := exec.Command(path, argv[1:]...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = environ, e.Stdin, e.ChildStdout(), e.Stderr
	defer command.Survive(command.ConsoleSignals("windows"))()
	err := c.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return command.Exit(ended.ExitCode())
	}
	if err != nil {
		return notRun(argv[0], err)
	}
	return nil
}

// detach keeps a program running when the console sends Ctrl-C.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
