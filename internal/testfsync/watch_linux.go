package testfsync

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch runs a function and returns the paths that it synced, in order. A sync for which
// fails returns true has the error EIO and is not done; nil: none fails. The function must
// not sync in a goroutine of its own, and must not call methods that end the test.
//
// It runs on a thread whose calls of fsync(2) wait for this process, see
// seccomp_unotify(2). The test is skipped where the kernel does not have that.
func Watch(t testing.TB, fails func(path string) bool, f func()) []string {
	t.Helper()
	listener, ended := make(chan int), make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		fd, err := listen()
		if failed = err; err != nil {
			close(listener)
			return
		}
		listener <- fd
		f()
	}()
	fd, listening := <-listener
	if !listening {
		t.Skipf("the kernel does not show the calls of a thread: %v", failed)
	}
	defer unix.Close(fd)
	var synced []string
	for {
		select {
		case <-ended:
			return synced
		default:
		}
		path, err := answer(fd, fails)
		if err != nil {
			t.Fatalf("watch syncs: %v", err)
		}
		if path != "" {
			synced = append(synced, path)
		}
	}
}

// listen makes calls of fsync and fdatasync by this thread wait for an answer, and
// returns the file for the answers.
func listen() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 2, K: unix.SYS_FSYNC},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: unix.SYS_FDATASYNC},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return 0, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// The structures and requests of seccomp_unotify(2).
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	call  struct {
		number  int32
		arch    uint32
		pointer uint64
		args    [6]uint64
	}
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

const (
	receive    = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	send       = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	toContinue = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

// answer answers a call, and returns the path that it syncs; empty when none comes soon.
func answer(fd int, fails func(string) bool) (string, error) {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	switch n, err := unix.Poll(ready, 5); {
	case err == syscall.EINTR, err == nil && (n == 0 || ready[0].Revents&unix.POLLIN == 0):
		return "", nil
	case err != nil:
		return "", err
	}
	var call notification
	if err := ioctl(fd, receive, unsafe.Pointer(&call)); err != nil {
		return "", ignore(err)
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", call.call.args[0]))
	if err != nil {
		return "", err
	}
	back := response{id: call.id, flags: toContinue}
	if fails != nil && fails(path) {
		back.flags, back.errno = 0, -int32(syscall.EIO)
	}
	if err := ioctl(fd, send, unsafe.Pointer(&back)); err != nil {
		return "", ignore(err)
	}
	return path, nil
}

// ignore is nil for a call that a signal interrupted: it comes again.
func ignore(err error) error {
	if err == syscall.ENOENT || err == syscall.EINTR {
		return nil
	}
	return err
}

func ioctl(fd int, request uintptr, with unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(with)); errno != 0 {
		return errno
	}
	return nil
}
