// Package heapfloor lets the heap grow to 128 MB before garbage is collected.
//
// Go collects garbage for the first time at 4 MB and then each time that the heap has
// doubled. A command that lives for a moment spent up to half of its processor time on
// that. Above the floor, the heap is collected as Go does it, so a large organization needs
// no more memory than before.
//
// A program imports the package for its effect, and gets wide pages with it. A program that
// is run with the variable GOGC keeps that setting.
package heapfloor

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"forcemfa/internal/widepages"
)

// Floor is the size of the heap, in bytes, below which no garbage is collected.
const Floor = 128 << 20

// Settings of GOGC, in percent. Go multiplies its own least heap of 4 MB by GOGC/100, so
// highest stands for Floor.
const (
	usual   = 100
	highest = usual * Floor / (4 << 20)
)

func init() {
	widepages.Use()
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(highest)
	afterEachCollection(&watcher{percent: highest})
}

// A watcher is garbage as soon as it is made: its finalizer runs after each collection.
type watcher struct {
	percent int
	_       [16]byte // Go puts smaller values together, and then a finalizer may never run
}

func afterEachCollection(w *watcher) {
	runtime.SetFinalizer(w, func(w *watcher) {
		if next := percent(live()); next != w.percent {
			debug.SetGCPercent(next)
			w.percent = next
		}
		afterEachCollection(w)
	})
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
