package emulator

import (
	"flag"
	"os"
	"strconv"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

// TestMain limits the number of checks of a property, unless -rapid.checks sets it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(100/testdepth.Each(4))); err != nil {
		panic(err)
	}
	os.Exit(testclients.Run(m))
}
