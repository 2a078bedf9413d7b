//go:build !windows

package netfault

import "syscall"

const (
	errRefused     = syscall.ECONNREFUSED
	errUnreachable = syscall.ENETUNREACH
	errNoRoute     = syscall.EHOSTUNREACH
	errReset       = syscall.ECONNRESET
)
