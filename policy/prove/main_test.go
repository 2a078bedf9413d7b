package prove_test

import (
	"flag"
	"os"
	"strconv"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testdepth"
)

// TestMain limits the number of checks of a property, unless -rapid.checks sets it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(30/testdepth.Each(3))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
