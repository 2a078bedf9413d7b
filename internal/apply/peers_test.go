package apply_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFlawOfTheLambdaHasARow checks docs/peers.md: each of its 25 flaws has
// one row, and the tests that the rows name exist.
func TestEveryFlawOfTheLambdaHasARow(t *testing.T) {
	page, err := os.ReadFile("../../docs/peers.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, root := range []string{"../../internal", "../../cmd", "../../policy"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := regexp.MustCompile("(?m)^\\| S-(\\d+) \\| [^|]+ \\| `(Test\\w+)` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) != 25 {
		t.Errorf("%d rows, want 25", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(tests.String(), "\nfunc "+row[2]+"(") {
			t.Errorf("S-%s: there is no test %s", row[1], row[2])
		}
	}
}
