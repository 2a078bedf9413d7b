package testclients

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill a program when this process ends, however
// it ends.
func endWithParent(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
