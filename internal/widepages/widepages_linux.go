package widepages

import (
	"bytes"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const (
	arena = 64 << 20 // the heap consists of parts of this size, at multiples of it

	madvHugepage = 14
)

// setting says for whom Linux has wide pages: [always], [madvise] or [never].
// Source: Documentation/admin-guide/mm/transhuge.rst of Linux.
const setting = "/sys/kernel/mm/transparent_hugepage/enabled"

// Use asks for wide pages, once. It takes about as long as a garbage collection.
func Use() { once() }

var once = sync.OnceFunc(func() {
	if enabled, err := os.ReadFile(setting); err == nil && bytes.Contains(enabled, []byte("[madvise]")) {
		widen()
	}
})

// widen makes Go map memory, asks for wide pages there, and leaves the memory to the heap.
// Nothing of it is touched, so that nothing is taken that is not used later. A refusal of
// the system changes nothing.
//
// Package runtime/debug could spare the first of two collections, but with that import this
// package and warm would initialize after the tables of the SDK.
func widen() {
	room := make([]byte, Room)
	first := uintptr(unsafe.Pointer(unsafe.SliceData(room)))
	begin := first &^ (arena - 1) // with what the heap has already
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, begin, first+Room-begin, madvHugepage)
	runtime.KeepAlive(room)
	runtime.GC()
}
