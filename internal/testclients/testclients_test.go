package testclients

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A fakeT records how a test ended.
type fakeT struct{ skipped, failed string }

func (f *fakeT) Skip(args ...any)  { f.skipped = fmt.Sprint(args...) }
func (f *fakeT) Fatal(args ...any) { f.failed = fmt.Sprint(args...) }
func (f *fakeT) Name() string      { return "TestFake" }

const absent = "no-such-client"

func TestATestWithoutItsClientIsSkippedAndListed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "skipped")
	t.Setenv(skippedVariable, file)
	t.Setenv(requireVariable, "")
	others := skipped.lines
	skipped.lines = nil
	f := &fakeT{}
	Need(f, "go", absent)
	if f.skipped != "skipped: no-such-client is not installed" || f.failed != "" {
		t.Errorf("%+v", f)
	}
	const want = "internal/testclients TestFake: no-such-client is not installed\n"
	if text, err := os.ReadFile(file); err != nil || string(text) != want {
		t.Errorf("file of the run: %q, %v", text, err)
	}
	var list bytes.Buffer
	printSkipped(&list)
	if list.String() != "skipped for lack of a client:\n  "+want {
		t.Errorf("list of the package: %q", list.String())
	}
	skipped.lines = others
}

func TestARequiredClientThatIsMissingIsAFailure(t *testing.T) {
	t.Setenv(requireVariable, "1")
	f := &fakeT{}
	Need(f, absent)
	if f.failed != "no-such-client is not installed, and FORCEMFATEST_REQUIRE_CLIENTS is set" {
		t.Errorf("%+v", f)
	}
}

func TestABareMachineHasNoClient(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(pluginsVariable, t.TempDir())
	for client, look := range special {
		if look() == "" {
			t.Errorf("%s is found on an empty PATH", client)
		}
	}
}

// own are the programs that a test may start by name: every machine that runs the
// tests has them, from the coreutils for instance, or the tests build them.
var own = []string{"go", "git", "forcemfa", "cat", "chmod", "cut", "env", "head", "rm", "tail", "true"}

// One helper decides what happens without a client, so no test starts one by
// itself.
func TestNoOtherPackageStartsAClient(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git" || d.Name() == "testclients") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, problem := range clientsStartedBy(t, path) {
				t.Error(problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// clientsStartedBy finds calls of exec.Command, exec.CommandContext and
// exec.LookPath that name a program.
func clientsStartedBy(t *testing.T, path string) (problems []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fmt.Sprint(function.X) != "exec" {
			return true
		}
		at := map[string]int{"Command": 0, "LookPath": 0, "CommandContext": 1}
		i, ok := at[function.Sel.Name]
		if !ok || len(call.Args) <= i {
			return true
		}
		literal, ok := call.Args[i].(*ast.BasicLit)
		if !ok {
			return true
		}
		if name, err := strconv.Unquote(literal.Value); err == nil && !slices.Contains(own, name) {
			problems = append(problems, fmt.Sprintf("%s starts %s: use testclients.Command", files.Position(call.Pos()), name))
		}
		return true
	})
	return problems
}

// .ci/run makes a missing client a failure, so .ci/components must see to each.
func TestTheGateInstallsEachClient(t *testing.T) {
	text, err := os.ReadFile("../../.ci/components")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \n;\"", r) })
	for client := range special {
		if !slices.Contains(words, client) {
			t.Errorf(".ci/components does not look for %s", client)
		}
	}
}
