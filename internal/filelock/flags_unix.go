//go:build unix

package filelock

import "syscall"

// noFollow: a link in place of a lock file, which another user can have made, chooses no
// file that is created or written.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
