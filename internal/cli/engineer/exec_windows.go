package engineer

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"

	"forcemfa/internal/cli/command"
)

// become runs the command and ends with its exit status. Ctrl-C reaches the
// command by the console, so it must not end this process first.
func become(e *machine, path string, argv, environ []string) error {
	e.ReleaseTerminal()
	c := exec.Command(path, argv[1:]...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = environ, e.Stdin, e.ChildStdout(), e.Stderr
	signal.Ignore(os.Interrupt)
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
