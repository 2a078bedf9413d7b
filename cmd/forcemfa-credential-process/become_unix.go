//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

const executableSuffix = ""

func executable(mode fs.FileMode) bool { return mode&0o111 != 0 }

// become replaces this process, so that signals and the exit status are the
// other's.
func become(program string, args []string) error {
	return syscall.Exec(program, args, os.Environ())
}
