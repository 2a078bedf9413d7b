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

// sessionID is the session of this process, which is on the same terminal as
// every process in it.
func sessionID() (int, error) {
	id, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}
