package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const executableSuffix = ".exe"

func executable(fs.FileMode) bool { return true }

// become runs the program in place of this one: it ends with its exit status. The
// console sends Ctrl-C to both; the handler that is not read lets the program decide,
// as in package command.
func become(program string, args []string) error {
	c := exec.Command(program, args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	err := c.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		os.Exit(ended.ExitCode())
	}
	if err == nil {
		os.Exit(0)
	}
	return err
}
