package forcemfa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// layers is the house as docs/architecture.md draws it: arrows point down, and inside a
// layer to the left. A row is a layer; a cell holds packages that are side by
// side and must not import each other.
var layers = [][]string{
	{"policy/arn policy/yaml internal/prose internal/bounded"},
	{"policy", "policy/catalog policy/trust"},
	{"policy/prove internal/org internal/trail", "policy/lint policy/prove/certificate policy/extract internal/trailsql"},
	{"internal/baseline/document", "internal/baseline", "internal/audit", "internal/impact", "internal/plan", "internal/planner internal/keys", "internal/access"},
	{"internal/run internal/iac", "internal/evidence internal/compare internal/sarif", "internal/view internal/report internal/deploy/terraform", "internal/interchange internal/notices"},
	{"internal/heapfloor internal/filelock internal/filefault internal/netfault internal/picker internal/progress internal/mfapreset internal/reminder internal/session/environ", "internal/fleet internal/secret internal/awsfile internal/session/cache internal/session/oauth", "internal/session/listing", "internal/collect internal/session internal/profiles internal/notify internal/deploy internal/simulator internal/trailbucket internal/traillookup internal/trailquery internal/history internal/warm", "internal/accesskey internal/doctor internal/apply internal/attack internal/probe"},
	{"internal/survey", "internal/reconcile internal/cli/command", "internal/central", "internal/bootstrap", "internal/rehearse", "internal/rehearse/rollout", "internal/cli/stream", "internal/cli/engineer internal/cli/offline", "internal/cli/organization", "internal/cli/auditor internal/cli/traffic internal/cli/pipeline", "internal/cli"},
	{"internal/cli/manual cmd/forcemfa cmd/forcemfa-lambda cmd/forcemfa-credential-process cmd/forcemfa-check"},
}

// pureLayers is how many of the layers have no side effects.
const pureLayers = 5

// emulatorUsers are the packages that may import the emulator.
var emulatorUsers = []string{"internal/cli", "internal/cli/auditor", "internal/cli/offline", "internal/cli/organization", "internal/cli/traffic", "internal/rehearse", "internal/rehearse/rollout"}

// towerMay is the highest layer that the emulator may import.
const towerMay = 2

type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
	Doc        string

	TestGoFiles, XTestGoFiles []string
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if to, ok := strings.CutPrefix(imported, "forcemfa/"); ok {
				if why := refuse(strings.TrimPrefix(p.ImportPath, "forcemfa/"), to); why != "" {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
				}
			}
		}
	}
}

func TestPureLayersHaveNoSideEffects(t *testing.T) {
	banned := []string{"os", "net", "net/http", "syscall", "os/exec"}
	for _, p := range packages(t) {
		layer, _, ok := place(strings.TrimPrefix(p.ImportPath, "forcemfa/"))
		if !ok || layer >= pureLayers {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(banned, imported) || strings.HasPrefix(imported, "github.com/aws/") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
		for _, name := range p.GoFiles {
			if line, found := callsTimeNow(t, filepath.Join(p.Dir, name)); found {
				t.Errorf("%s:%d asks for the time: the clock is an argument here", filepath.Join(p.ImportPath, name), line)
			}
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestArchitectureListsEveryPackage compares the list of packages in
// docs/architecture.md with the source tree.
func TestArchitectureListsEveryPackage(t *testing.T) {
	_, page, found := strings.Cut(readFile(t, "docs/architecture.md"), "<!-- packages:")
	_, page, opened := strings.Cut(page, "```\n")
	list, _, closed := strings.Cut(page, "```")
	if !found || !opened || !closed {
		t.Fatal("docs/architecture.md has no list of packages")
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(list, "\n") {
		if words := strings.Fields(line); len(words) > 1 {
			listed[words[0]] = true
		}
	}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "forcemfa/")
		if !listed[name] {
			t.Errorf("docs/architecture.md does not list %s", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("docs/architecture.md lists %s, which does not exist", name)
	}
}

func TestLayerRulesRefuse(t *testing.T) {
	for _, row := range []struct {
		from, to string
		refused  bool
	}{
		{"policy", "policy/arn", false},
		{"policy", "internal/org", true},
		{"internal/org", "policy", false},
		{"internal/plan", "internal/audit", false},
		{"internal/audit", "internal/plan", true},
		{"internal/view", "internal/report", true},
		{"internal/report", "internal/run", false},
		{"internal/run", "internal/view", true},
		{"internal/view", "internal/evidence", false},
		{"internal/evidence", "internal/view", true},
		{"internal/attack", "internal/emulator", true},
		{"internal/cli", "internal/emulator", false},
		{"internal/cli/offline", "internal/emulator", false},
		{"internal/cli/engineer", "internal/emulator", true},
		{"internal/cli/offline", "internal/cli", true},
		{"internal/emulator/world", "internal/org", false},
		{"internal/emulator/world", "internal/audit", true},
		{"internal/emulator", "internal/emulator/wire", false},
		{"policy/prove/certificate", "policy/prove", true},
		{"cmd/forcemfa-check", "policy/prove/certificate", false},
		{"cmd/forcemfa-check", "internal/evidence", true},
		{"internal/cli", "internal/attack", false},
		{"internal/apply", "internal/attack", true},
		{"internal/reconcile", "internal/attack", true},
		{"internal/drawer", "policy", true},
		{"internal/testbrowser", "internal/testclients", false},
		{"internal/view", "internal/testclients", true},
	} {
		if got := refuse(row.from, row.to); (got != "") != row.refused {
			t.Errorf("%s imports %s: refused = %q, want refused %v", row.from, row.to, got, row.refused)
		}
	}
}

// refuse says why a package may not import another; empty when it may.
func refuse(from, to string) string {
	const tower = "internal/emulator"
	inTower := func(p string) bool { return p == tower || strings.HasPrefix(p, tower+"/") }
	forTests := func(p string) bool { return strings.HasPrefix(p, "internal/test") } // they have no place, so no other package may import them
	toLayer, toCell, ok := place(to)
	switch {
	case forTests(from) && forTests(to):
		return ""
	case inTower(from) && inTower(to):
		return ""
	case inTower(to):
		if !slices.Contains(emulatorUsers, from) {
			return "only cli, rehearse and tests import the emulator"
		}
		return ""
	case !ok:
		return to + " has no place in the layers"
	case inTower(from):
		if toLayer > towerMay {
			return "the emulator imports layers 0 to 2 only"
		}
		return ""
	case to == "internal/attack" && from != "internal/cli" && from != "internal/rehearse":
		return "only cli, rehearse and tests import the attack scenarios"
	case from == "policy/prove/certificate" && to != "policy":
		return "the checker of proofs imports policy alone"
	case from == "cmd/forcemfa-check" && to != "policy" && to != "policy/prove/certificate":
		return "the program that checks proofs imports the evaluator and the checker alone"
	}
	fromLayer, fromCell, ok := place(from)
	switch {
	case !ok:
		return from + " has no place in the layers"
	case fromLayer < toLayer:
		return "arrows point down"
	case fromLayer == toLayer && fromCell <= toCell:
		return "inside a layer arrows point to the left"
	}
	return ""
}

func place(pkg string) (layer, cell int, ok bool) {
	for l, row := range layers {
		for c, names := range row {
			if slices.Contains(strings.Fields(names), pkg) {
				return l, c, true
			}
		}
	}
	return 0, 0, false
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list, err := listedPackages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return list
}

// listedPackages asks go once: it takes half a second.
var listedPackages = sync.OnceValues(func() (list []goPackage, err error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,TestGoFiles,XTestGoFiles,Doc", "./...").Output()
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
})

// Packages initialize in the order of their paths, each after those that it imports. So
// package warm runs before the libraries only if it imports nothing that comes after them.
func TestAWarmCallWaitsForNoLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./internal/warm").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, late := range []string{"regexp", "os/exec", "path/filepath"} {
		if slices.Contains(strings.Fields(string(out)), late) {
			t.Errorf("internal/warm imports %s, directly or not", late)
		}
	}
}

func callsTimeNow(t *testing.T, path string) (line int, found bool) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Now" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
				line, found = files.Position(n.Pos()).Line, true
			}
		}
		return !found
	})
	return line, found
}
