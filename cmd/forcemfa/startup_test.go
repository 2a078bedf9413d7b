package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What packages initialize is paid by every exec and every export, also of packages
// that they never call. Tables and regular expressions are built on first use.
const (
	ownStartUp = 40 << 10 // bytes that a package of forcemfa may allocate
	allStartUp = 29 << 17 // bytes of all packages of this test program, which links a few more than forcemfa
)

func TestPackagesAllocateLittleBeforeMain(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, trace)
	}
	total, packages := 0, 0
	for line := range strings.Lines(string(trace)) {
		var name string
		var at, clock float64
		var bytes, allocs int
		if _, err := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &name, &at, &clock, &bytes, &allocs); err != nil {
			continue
		}
		packages++
		total += bytes
		if strings.HasPrefix(name, "forcemfa/") && bytes > ownStartUp {
			t.Errorf("%s allocates %d bytes before main, want at most %d", name, bytes, ownStartUp)
		}
	}
	t.Logf("%d packages allocate %d bytes before main", packages, total)
	if packages == 0 || total > allStartUp {
		t.Errorf("%d packages allocate %d bytes before main, want at most %d", packages, total, allStartUp)
	}
}
