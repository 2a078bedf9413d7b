package widepages

import (
	"bytes"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestTheHeapHasWidePages(t *testing.T) {
	enabled, err := os.ReadFile(setting)
	if err != nil || bytes.Contains(enabled, []byte("[never]")) {
		t.Skipf("the system has no wide pages: %s%v", enabled, err)
	}
	before := wide(t)
	Use()
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.HeapInuse > 16<<20 {
		t.Errorf("the heap keeps %d MB", stats.HeapInuse>>20)
	}
	if got := wide(t) - before; got > 8 {
		t.Errorf("%d MB were taken before they are used", got)
	}
	var held [32][]byte
	for i := range held {
		held[i] = bytes.Repeat([]byte{1}, 1<<20)
	}
	if got := wide(t) - before; got < 16 {
		t.Errorf("of a heap of 32 MB, %d MB are in wide pages", got)
	}
	runtime.KeepAlive(held)
}

// wide returns how much memory of this process is in wide pages, in MB.
func wide(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip(err)
	}
	size := regexp.MustCompile(`AnonHugePages: +(\d+) kB`).FindSubmatch(maps)
	if size == nil {
		t.Skipf("no AnonHugePages in\n%s", strings.TrimSpace(string(maps)))
	}
	n, err := strconv.Atoi(string(size[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n >> 10
}
