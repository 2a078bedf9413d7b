package forcemfa_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testInText  = regexp.MustCompile("`(Test[A-Z0-9][A-Za-z0-9_]*)`")
	testInCode  = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)[A-Z0-9][A-Za-z0-9_]*)\(\w+ \*testing\.[TB]\)`)
	tableOfTest = regexp.MustCompile(`(?m)^\| what holds \|.*\n\|[-|]+\n((?:\|.*\n)+)`)
)

// TestEveryTestInTheDocumentationExists compares the tests that pages name with
// the source tree. Decisions stay as they were made.
func TestEveryTestInTheDocumentationExists(t *testing.T) {
	exists := testsOfTheTree(t)
	for _, page := range markdown(t) {
		if strings.HasPrefix(page, "docs/decisions/") {
			continue
		}
		for _, m := range testInText.FindAllStringSubmatch(readFile(t, page), -1) {
			if !exists[m[1]] {
				t.Errorf("%s names %s, which is not in the source tree", page, m[1])
			}
		}
	}
}

// TestEveryProtectionOfTheThreatModelHasATest reads the tables of
// docs/threat-model.md: a protection without a test is a promise.
func TestEveryProtectionOfTheThreatModelHasATest(t *testing.T) {
	rows := 0
	for _, table := range tableOfTest.FindAllStringSubmatch(readFile(t, "docs/threat-model.md"), -1) {
		for row := range strings.Lines(table[1]) {
			rows++
			cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
			if len(cells) != 3 || !testInText.MatchString(cells[2]) {
				t.Errorf("docs/threat-model.md: no test in the row %s", row)
			}
		}
	}
	if rows < 30 {
		t.Errorf("docs/threat-model.md has %d rows, want at least 30", rows)
	}
}

// testsOfTheTree returns the names of all tests and benchmarks of the module.
func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, m := range testInCode.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
