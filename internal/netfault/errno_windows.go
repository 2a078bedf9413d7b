package netfault

import "syscall"

// Source: Windows Sockets Error Codes: WSAECONNREFUSED, WSAENETUNREACH and
// WSAEHOSTUNREACH, WSAECONNRESET.
const (
	errRefused     = syscall.Errno(10061)
	errUnreachable = syscall.Errno(10051)
	errNoRoute     = syscall.Errno(10065)
	errReset       = syscall.Errno(10054)
)
