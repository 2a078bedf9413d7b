//go:build !windows

package filefault

import "syscall"

var (
	full     = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT}
	readOnly = []syscall.Errno{syscall.EROFS}
)
