package forcemfa_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	proofInText    = regexp.MustCompile("`((?:Test|Benchmark)\\w+)`")
	scenarioInText = regexp.MustCompile("scenario `([\\w-]+)`")
)

// The table of docs/peers.md about tools of an engineer's day: each row of forcemfa's says
// what shows it, and a row where forcemfa does not do what another tool does has a reason.
func TestNoRowOfTheTableIsBehindWithoutAReason(t *testing.T) {
	_, page, found := strings.Cut(readFile(t, "docs/peers.md"), "<!-- peers: ")
	_, table, ruled := strings.Cut(page, "|---|---|---|---|---|---|---|\n")
	if !found || !ruled {
		t.Fatal("docs/peers.md has no such table")
	}
	exists := testsOfTheTree(t)
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 7 {
			t.Errorf("%d cells: %s", len(cells), line)
			continue
		}
		own, why := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[6])
		if behind := !strings.HasPrefix(own, "yes") && !strings.HasPrefix(own, "1."); behind && !strings.HasPrefix(why, "reason: ") {
			t.Errorf("no reason: %s", line)
		}
		for _, m := range proofInText.FindAllStringSubmatch(why, -1) {
			if !exists[m[1]] {
				t.Errorf("there is no test %s: %s", m[1], line)
			}
		}
		for _, m := range scenarioInText.FindAllStringSubmatch(why, -1) {
			if _, err := os.Stat(filepath.Join("cmd/forcemfa/testdata", m[1]+".txtar")); err != nil {
				t.Errorf("%v: %s", err, line)
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows", rows)
	}
}

// TestEveryFlawOfTheLambdaHasARow checks docs/peers.md: each of its 25 flaws has
// one row, and the tests that the rows name exist.
func TestEveryFlawOfTheLambdaHasARow(t *testing.T) {
	exists := testsOfTheTree(t)
	rows := regexp.MustCompile("(?m)^\\| S-(\\d+) \\| [^|]+ \\| `(Test\\w+)` \\|$").FindAllStringSubmatch(readFile(t, "docs/peers.md"), -1)
	if len(rows) != 25 {
		t.Errorf("%d rows, want 25", len(rows))
	}
	for _, row := range rows {
		if !exists[row[2]] {
			t.Errorf("S-%s: there is no test %s", row[1], row[2])
		}
	}
}
