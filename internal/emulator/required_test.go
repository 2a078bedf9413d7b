package emulator

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of required members anew")

// The SDK documents required members only in comments; the embedded tables must
// agree with them.
func TestRequiredMembersAreThoseOfTheSDK(t *testing.T) {
	for _, service := range []string{"iam", "sts", "organizations", "cloudformation", "cloudtrail", "eventbridge", "secretsmanager", "sqs"} {
		t.Run(service, func(t *testing.T) {
			want := requiredInSource(t, "github.com/aws/aws-sdk-go-v2/service/"+service)
			file := "required-" + service + ".txt"
			if *update {
				if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("%s differs from the SDK (go test -run RequiredMembers -update writes it anew):\n%s", file, diff)
			}
		})
	}
}

// A shape is a struct of the SDK: its required members and the types it refers to.
type shape struct {
	required []string
	refers   []string
}

func requiredInSource(t *testing.T, module string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find the source of %s: %v", module, err)
	}
	dir := strings.TrimSpace(string(out))
	shapes := map[string]shape{}
	parseShapes(t, dir, shapes)
	parseShapes(t, filepath.Join(dir, "types"), shapes)
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		for other := range shapes {
			if strings.HasPrefix(other, name+"Member") { // of a union
				reach(other)
			}
		}
		if s, ok := shapes[name]; ok && !reached[name] {
			reached[name] = true
			for _, other := range s.refers {
				reach(other)
			}
		}
	}
	for name := range shapes {
		if strings.HasSuffix(name, "Input") {
			reach(name)
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(reached)) {
		if r := shapes[name].required; len(r) > 0 {
			b.WriteString(name + " " + strings.Join(r, " ") + "\n")
		}
	}
	return b.String()
}

func parseShapes(t *testing.T, dir string, shapes map[string]shape) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					shapes[spec.Name.Name] = shapeOf(s)
				}
			}
			return true
		})
	}
}

func shapeOf(s *ast.StructType) shape {
	var out shape
	for _, f := range s.Fields.List {
		if f.Doc != nil && len(f.Names) == 1 && strings.Contains(f.Doc.Text(), "This member is required.") {
			out.required = append(out.required, f.Names[0].Name)
		}
		ast.Inspect(f.Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				out.refers = append(out.refers, id.Name)
			}
			return true
		})
	}
	return out
}
