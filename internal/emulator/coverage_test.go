package emulator

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const coverage = "../../docs/emulator.md"

// docs/emulator.md lists the implemented operations.
func TestCoverageIsDocumented(t *testing.T) {
	checkPage(t, "Coverage", "operations", operationList())
}

// checkPage compares a part of docs/emulator.md, which the tests that run selects write.
func checkPage(t *testing.T, run, part, want string) {
	t.Helper()
	begin, end := "-run "+run+" -update -->\n", "<!-- end of "+part+" -->"
	page, err := os.ReadFile(coverage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), begin)
	got, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no place for the %s", coverage, part)
	}
	if *update {
		if err := os.WriteFile(coverage, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the part %s of %s differs (-run %s -update writes it anew):\n%s", part, coverage, run, diff)
	}
}

func operationList() string {
	var b strings.Builder
	b.WriteString("\n| service | operations |\n|---|---|\n")
	all := services()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		operations := slices.Sorted(maps.Keys(all[name].byName))
		b.WriteString("| " + name + " | " + strings.Join(operations, ", ") + " |\n")
	}
	b.WriteString("\n")
	return b.String()
}
