package heapfloor

import (
	"bytes"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	arena  = 64 << 20      // the heap consists of parts of this size, at multiples of it
	room   = Floor / 8 * 7 // what the heap gets at once, a little less than it may grow to
	advice = 14            // MADV_HUGEPAGE of madvise(2)
)

// widePages says for whom Linux has pages of 2 MB: [always], [madvise] or [never].
// Source: Documentation/admin-guide/mm/transhuge.rst of Linux.
const widePages = "/sys/kernel/mm/transparent_hugepage/enabled"

func useWidePages() {
	if enabled, err := os.ReadFile(widePages); err == nil && bytes.Contains(enabled, []byte("[madvise]")) {
		widen()
	}
}

// widen makes Go map memory, asks for wide pages there, and leaves the memory to the heap.
// Nothing of it is touched, so that nothing is taken that is not used later. A refusal of
// the system changes nothing.
func widen() {
	memory := make([]byte, room)
	first := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	begin := first &^ (arena - 1) // with what the heap has already
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, begin, first+room-begin, advice)
	runtime.KeepAlive(memory)
	runtime.GC()
}
