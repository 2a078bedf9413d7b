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
	"regexp"
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

// A line of a scenario starts only programs that the scenario, or the line, needs.
func TestScenariosSayWhatTheyNeed(t *testing.T) {
	scenarios := filepath.Join("..", "..", "cmd", "forcemfa", "testdata")
	err := filepath.WalkDir(scenarios, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		for _, problem := range undeclared(script) {
			t.Errorf("%s: %s", path, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var execLine = regexp.MustCompile(`^((?:\[\S+\] )*)[?!]? ?exec (\S+)`)

// undeclared finds the programs that a scenario starts and does not need by its own words.
func undeclared(script string) (problems []string) {
	declared := slices.Concat(own, []string{"$AWSCLI2", "$HELPER"})
	for i, line := range strings.Split(script, "\n") {
		if clients, ok := strings.CutPrefix(line, "needs "); ok {
			declared = append(declared, strings.Fields(clients)...)
		}
		found := execLine.FindStringSubmatch(line)
		if found != nil && !slices.Contains(declared, found[2]) && !strings.Contains(found[1], "[client:"+found[2]+"]") {
			problems = append(problems, fmt.Sprintf("line %d starts %s: write \"needs %[2]s\" above it", i+1, found[2]))
		}
	}
	return problems
}

func TestAnUndeclaredProgramOfAScenarioIsFound(t *testing.T) {
	const script = "exec cat x\nexec sed s/a/b/ x\n[client:aws] exec aws help\nneeds grep\n! exec grep x y\nexec forcemfa version &"
	want := []string{`line 2 starts sed: write "needs sed" above it`}
	if got := undeclared(script); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
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
