package heapfloor

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestAHeapThatGrowsHasWidePages(t *testing.T) {
	if enabled, err := os.ReadFile(widePages); err != nil || !bytes.Contains(enabled, []byte("[madvise]")) {
		t.Skipf("the system gives no wide pages to those who ask: %s%v", enabled, err)
	}
	if n, err := strconv.Atoi(strings.Fields(output(t, ""))[2]); err != nil || n < 16 {
		t.Errorf("of a heap of 32 MB, %d MB are in wide pages", n)
	}
	if n, err := strconv.Atoi(strings.Fields(output(t, "100"))[2]); err != nil || n != 0 {
		t.Errorf("with GOGC=100, %d MB are in wide pages", n)
	}
}

var inWidePages = regexp.MustCompile(`AnonHugePages: +(\d+) kB`)

// wide returns how much memory of this process is in wide pages, in MB; -1: it is unknown.
func wide() int {
	maps, _ := os.ReadFile("/proc/self/smaps_rollup")
	size := inWidePages.FindSubmatch(maps)
	if size == nil {
		return -1
	}
	n, err := strconv.Atoi(string(size[1]))
	if err != nil {
		return -1
	}
	return n >> 10
}
