package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
)

const executableSuffix = ".exe"

func executable(fs.FileMode) bool { return true }

// become runs the program in place of this one: it ends with its exit status.
func become(program string, args []string) error {
	c := exec.Command(program, args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
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
