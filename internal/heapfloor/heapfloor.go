// Package heapfloor lets the heap of a command grow to 128 MB before garbage is collected, on
// pages of 2 MB where Linux has them.
//
// Go collects garbage for the first time at 4 MB and then each time that the heap has
// doubled. A command that lives for a moment spent up to half of its processor time on
// that. Above the floor, the heap is collected as Go does it, so a large organization needs
// no more memory than before.
//
// With pages of 4 kB, a heap of 70 MB takes 18,000 page faults, and where a hypervisor has a
// part in each, as on a virtual machine, they were half of what was left. Go asks for no
// wider pages, and most systems give them only to programs that ask. That costs a
// collection, so only a heap that has reached 8 MB gets them, after its first collection;
// commands that do little stay below.
//
// A program imports the package for its effect. A program that is run with the variable GOGC
// keeps that setting and gets nothing of this.
package heapfloor

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Floor is the size of the heap, in bytes, below which no garbage is collected.
const Floor = 128 << 20

// Settings of GOGC, in percent. Go multiplies its own least heap of 4 MB by GOGC/100, so
// first stands for 8 MB and highest for Floor.
const (
	usual   = 100
	first   = 200
	highest = usual * Floor / (4 << 20)
)

func init() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(first)
	afterCollection(func() {
		debug.SetGCPercent(highest)
		useWidePages()
		follow(highest)
	})
}

// afterCollection calls do after the next collection.
func afterCollection(do func()) {
	garbage := new([32]byte) // Go puts smaller values together, and then a finalizer may never run
	runtime.SetFinalizer(garbage, func(*[32]byte) { do() })
}

// follow changes the setting, which is now set, to what the heap needs, after each
// collection.
func follow(set int) {
	next := percent(live())
	if next != set {
		debug.SetGCPercent(next)
	}
	afterCollection(func() { follow(next) })
}

// live is the number of bytes that the last collection found in use.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// percent returns the setting of GOGC with which a heap of which live bytes are in use is
// collected at Floor, or at twice those bytes if that is more.
func percent(live uint64) int {
	if live*highest/usual <= Floor {
		return highest
	}
	return max(usual, int(usual*Floor/live)-usual)
}
