package engineer

import (
	"os"
	"path/filepath"
	"testing"

	"forcemfa/internal/awsfile"
)

// Programs that a desktop starts have another PATH, so the path is absolute.
func TestTheHelperIsThereAndItsPathIsAbsolute(t *testing.T) {
	bin, other, empty := t.TempDir(), t.TempDir(), t.TempDir()
	program := func(dir, name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := program(bin, "forcemfa", 0o755)
	inPath := program(other, awsfile.Helper, 0o755)
	lonely := program(empty, "forcemfa", 0o755)
	program(empty, awsfile.Helper, 0o644) // cannot be run
	for _, row := range []struct{ name, own, path, want string }{
		{"in PATH", own, other, inPath},
		{"neither", own, empty, own},
		{"cannot be run", lonely, empty, lonely},
		{"a renamed program and no helper", filepath.Join(bin, "forcemfa-2"), empty, ""},
		{"no path of the program, but a helper", "", other, inPath},
		{"nothing", "", empty, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("PATH", row.path)
			if got := chooseHelper(row.own); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	beside := program(bin, awsfile.Helper, 0o755)
	t.Setenv("PATH", other)
	if got := chooseHelper(own); got != beside {
		t.Errorf("beside the program: %q, want %q", got, beside)
	}
	t.Chdir(other)
	t.Setenv("PATH", ".")
	if got := chooseHelper(lonely); got != lonely {
		t.Errorf("a relative directory in PATH counts: %q", got)
	}
}
