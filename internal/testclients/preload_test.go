package testclients

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A program that answers with all that a caller gives it, takes its exit status
// from its first argument, and writes into its home directory.
const echo = `#!%PYTHON%
import json, os, sys
import athome
open(athome.PATH, "a").write("called\n")
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("WORD"), os.environ.get("HOME"), sys.stdin.read()]))
print("no", file=sys.stderr)
sys.exit(int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1])
`

func TestAPreloadedProgramActsAsItDoesAlone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("programs are preloaded on Linux only")
	}
	Need(t, "python3")
	python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	alone := filepath.Join(bin, "echo.py")
	if err := os.WriteFile(alone, []byte(strings.Replace(echo, "%PYTHON%", strings.TrimSpace(string(python)), 1)), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	module := "import os\nPATH = os.path.expanduser('~/calls')\n"
	if err := os.WriteFile(filepath.Join(bin, "athome.py"), []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", bin)
	preloaded["echo.py"] = []string{"json", "athome"}
	startPreloads()
	t.Cleanup(func() {
		delete(preloaded, "echo.py")
		stopPreloads()
	})
	Need(t, "echo.py")
	served, err := exec.LookPath("echo.py")
	if err != nil || served == alone {
		t.Fatalf("echo.py is not preloaded: %s, %v", served, err)
	}
	home := t.TempDir()
	for _, first := range []string{"0", "7", "a sentence"} {
		run := func(program string) string {
			c := exec.Command(program, first, "zwölf", "")
			c.Dir, c.Stdin = bin, strings.NewReader("input\n")
			c.Env = []string{"WORD=x=y\nz", "PATH=" + os.Getenv("PATH"), "PYTHONPATH=" + bin, "HOME=" + home}
			out, err := c.CombinedOutput()
			if err == nil {
				return string(out)
			}
			return string(out) + err.Error()
		}
		if got, want := run(served), run(alone); got != want {
			t.Errorf("preloaded:\n%s\nalone:\n%s", got, want)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(home, "calls")); string(text) != strings.Repeat("called\n", 6) {
		t.Errorf("the file in the home directory of the callers holds %q", text)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(served), "echo.py.socket")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	if out, _ := exec.Command(served, "0").Output(); !strings.Contains(string(out), `[["0"]`) {
		t.Errorf("without a server the program does not start: %s", out)
	}
}
