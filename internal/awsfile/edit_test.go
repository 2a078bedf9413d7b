package awsfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/testdepth"
)

const (
	editorVariable = "FORCEMFATEST_EDITOR"
	oldValue       = "old"
)

// TestMain is an editor in a process of its own when a test asks for one.
func TestMain(m *testing.M) {
	if path := os.Getenv(editorVariable); path != "" {
		fmt.Println("ready")
		for i := 0; ; i++ {
			value := oldValue
			if i%2 == 0 {
				value = strings.Repeat("new", 2000)
			}
			if err := Edit(path, func(f *File) error { return f.Set("a", "aws_session_token", value) }); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func set(section, key, value string) func(*File) error {
	return func(f *File) error { return f.Set(section, key, value) }
}

func TestAKilledEditLeavesTheOldFileOrTheNewOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "credentials")
	filler := strings.Repeat("# a comment that must stay\n", 2000)
	text := filler + "[a]\naws_session_token = " + oldValue + "\n" + filler
	write(t, path, text, 0o600)
	whole := map[string]bool{text: true, strings.Replace(text, oldValue, strings.Repeat("new", 2000), 1): true}
	seen := map[string]bool{}
	for i := range 40 / testdepth.Each(4) {
		editor := exec.Command(os.Args[0])
		editor.Env = append(os.Environ(), editorVariable+"="+path)
		out, err := editor.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := editor.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*i%97) * 2 * time.Millisecond)
		if err := editor.Process.Kill(); err != nil {
			t.Fatalf("the editor ended by itself: %v", err)
		}
		_ = editor.Wait()
		got := read(t, path)
		if !whole[got] {
			t.Fatalf("after kill %d the file has %d bytes and is neither the old nor the new one", i, len(got))
		}
		seen[got] = true
	}
	if len(seen) != 2 {
		t.Errorf("the kills met %d of the 2 states", len(seen))
	}
	if err := Edit(path, set("a", "region", "r")); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".credentials.forcemfa-new-*")); len(left) != 0 {
		t.Errorf("the next edit left %v", left)
	}
}

func TestParallelEditsAreAllThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".aws", "credentials")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := Edit(path, set("p"+strconv.Itoa(i), "aws_secret_access_key", "s")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := Read(path)
	if err != nil || len(f.Sections()) != 20 {
		t.Errorf("%d sections, error %v", len(f.Sections()), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestAnEditOfAnotherProgramMeanwhileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "[a]\nx = 1\n", 0o600)
	first := true
	err := Edit(path, func(f *File) error {
		if first {
			first = false
			write(t, path, "[a]\nx = 1\nfrom = elsewhere\n", 0o600)
		}
		return f.Set("a", "y", "2")
	})
	if got := read(t, path); err != nil || got != "[a]\nx = 1\nfrom = elsewhere\ny = 2\n" {
		t.Errorf("%q, error %v", got, err)
	}
}

func TestModes(t *testing.T) {
	const secret = "[a]\naws_secret_access_key = x\n"
	for _, row := range []struct {
		name      string
		text      string
		was, want fs.FileMode
	}{
		{"a secret that others could read", secret, 0o644, 0o600},
		{"a secret that is stricter already", secret, 0o400, 0o400},
		{"settings without a secret", "[a]\nregion = x\n", 0o644, 0o644},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			write(t, path, row.text, row.was)
			if err := Edit(path, set("a", "output", "json")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != row.want {
				t.Errorf("mode %v, want %v; error %v", info.Mode(), row.want, err)
			}
		})
	}
}

func TestTheFileBehindASymbolicLinkIsEdited(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"there", "not-there-yet"} {
		target, link := filepath.Join(dir, "sub", name), filepath.Join(dir, "link-"+name)
		if name == "there" {
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, target, "# mine\n", 0o600)
		}
		if err := os.Symlink(filepath.Join("sub", name), link); err != nil {
			t.Skip(err)
		}
		if err := Edit(link, set("a", "x", "1")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v", link, err)
		}
		if got := read(t, target); !strings.HasSuffix(got, "[a]\nx = 1\n") {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

func TestARefusedEditLeavesTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "[a]\nx = 1\n", 0o644)
	before, _ := os.Stat(path)
	stop := errors.New("no")
	if err := Edit(path, func(f *File) error { _ = f.Set("a", "x", "2"); return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	if err := Edit(path, func(f *File) error { return f.Set("a", "x", "1") }); err != nil {
		t.Error(err)
	}
	after, _ := os.Stat(path)
	if !os.SameFile(before, after) || read(t, path) != "[a]\nx = 1\n" {
		t.Error("an edit that changes nothing wrote the file")
	}
}

func TestEditErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Skip(err)
	}
	utf16 := filepath.Join(dir, "utf16")
	write(t, utf16, "\xff\xfe[\x00a\x00]\x00", 0o600)
	write(t, filepath.Join(dir, "file"), "", 0o600)
	for path, want := range map[string]string{
		dir:                                 "is not a regular file",
		loop:                                "too many links",
		utf16:                               "save it as UTF-8",
		filepath.Join(dir, "file", "below"): "not a directory",
	} {
		edited := false
		err := Edit(path, func(f *File) error { edited = true; return f.Set("a", "x", "1") })
		if edited {
			t.Errorf("%s: what was not read was edited", path)
		}
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestAMarkOfTheOrderOfBytesStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "\ufeff[a]\r\nx = 1", 0o600)
	if err := Edit(path, set("a", "x", "2")); err != nil {
		t.Fatal(err)
	}
	if got := []byte(read(t, path)); !bytes.Equal(got, []byte("\ufeff[a]\r\nx = 2")) {
		t.Errorf("%q", got)
	}
}
