package forcemfa_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mostLines bounds the lines of a package, tests left out. The packages that are the
// product's engines, and the table of IAM's operations, may have more.
const mostLines = 4000

var largePackages = []string{"policy", "policy/prove", "policy/lint", "internal/emulator/iamsvc"}

// longFunction bounds the lines of a function; one in a hundred may have more.
const longFunction = 40

// mostExported bounds the exported names of a package. One with more says why in its
// package comment.
const mostExported = 30

func TestPackagesStaySmall(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "forcemfa/")
		lines := 0
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(text, []byte("\n"))
		}
		if lines > mostLines && !slices.Contains(largePackages, name) {
			t.Errorf("%s has %d lines, at most %d: move a part to a package of its own", name, lines, mostLines)
		}
	}
}

func TestFunctionsStayShort(t *testing.T) {
	var lengths []int
	eachFunction(t, func(lines int) { lengths = append(lengths, lines) })
	slices.Sort(lengths)
	if len(lengths) < 1000 {
		t.Fatalf("only %d functions were found", len(lengths))
	}
	if p99 := lengths[len(lengths)*99/100]; p99 > longFunction {
		t.Errorf("one function in a hundred has more than %d lines, at most %d", p99, longFunction)
	}
}

func eachFunction(t *testing.T, visit func(lines int)) {
	t.Helper()
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					visit(files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1)
				}
			}
		}
	}
}

func TestPackagesWithManyExportedNamesSayWhy(t *testing.T) {
	for _, p := range packages(t) {
		n := 0
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			n += exported(file)
		}
		if n > mostExported && !strings.Contains(packageComment(t, p), "exported") {
			t.Errorf("%s exports %d names, and its package comment does not say why they are exported", p.ImportPath, n)
		}
	}
}

// exported counts the exported names of a file, methods and fields left out.
func exported(file *ast.File) (n int) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				n++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() {
						n++
					}
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						if name.IsExported() {
							n++
						}
					}
				}
			}
		}
	}
	return n
}

func packageComment(t *testing.T, p goPackage) string {
	t.Helper()
	var out strings.Builder
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(file.Doc.Text())
	}
	return strings.ReplaceAll(out.String(), "\n", " ")
}
