package heapfloor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheHeapIsCollectedAtTheFloorOrAtTwiceItsUse(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 3200},
		{4 << 20, 3200}, // Go's least heap is 128 MB then
		{8 << 20, 1500}, // 8 MB and 15 times 8 MB are 128 MB
		{16 << 20, 700},
		{64 << 20, 100},
		{65 << 20, 100},
		{4 << 30, 100},
	} {
		if got := percent(c.live); got != c.want {
			t.Errorf("percent(%d) = %d, want %d", c.live, got, c.want)
		}
	}
}

// settingVariable makes the test program print its setting of GOGC, how many collections
// ran while it allocated 32 MB, and how much of that is in wide pages.
const settingVariable = "FORCEMFATEST_HEAP_SETTING"

func TestMain(m *testing.M) {
	if os.Getenv(settingVariable) == "" {
		os.Exit(m.Run())
	}
	allocate(16)
	var before, after runtime.MemStats
	for same := 0; same < 50; time.Sleep(2 * time.Millisecond) { // until what follows the first collection has ended
		was := before.NumGC
		if runtime.ReadMemStats(&before); before.NumGC == was && setting() != first {
			same++
		} else {
			same = 0
		}
	}
	held := allocate(32)
	runtime.ReadMemStats(&after)
	_, _ = fmt.Print(setting(), " ", after.NumGC-before.NumGC, " ", wide())
	runtime.KeepAlive(held)
}

// allocate returns as many pieces of 1 MB.
func allocate(pieces int) (all [][]byte) {
	for range pieces {
		all = append(all, bytes.Repeat([]byte{1}, 1<<20))
	}
	return all
}

func TestAProgramCollectsNothingBetweenItsFirstCollectionAndTheFloor(t *testing.T) {
	got := strings.Fields(output(t, ""))
	if set, err := strconv.Atoi(got[0]); err != nil || set < 4*usual || got[1] != "0" {
		t.Errorf("setting and collections are %q, want at least 400 and 0", got)
	}
}

func TestTheSettingOfTheUserIsKept(t *testing.T) {
	for _, setting := range []string{"50", "100", "400"} {
		if got, _, _ := strings.Cut(output(t, setting), " "); got != setting {
			t.Errorf("with GOGC=%s the setting is %s", setting, got)
		}
	}
}

// output is what this test program prints about itself with GOGC set.
func output(t *testing.T, gogc string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), settingVariable+"=1", "GOGC="+gogc)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTheSettingFollowsTheHeap(t *testing.T) {
	held := make([]byte, 200<<20)
	deadline := time.Now().Add(10 * time.Second)
	for setting() != usual {
		if time.Now().After(deadline) {
			t.Fatalf("the setting is %d with 200 MB in use, want %d", setting(), usual)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	runtime.KeepAlive(held)
}

// setting is the present setting of GOGC.
func setting() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
