package prove_test

import (
	"flag"
	"os"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
)

// TestMain limits the number of checks of a property, unless -rapid.checks sets it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
