package engineer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A command in a hint ends where its quotes end, and names its profile: without one, it
// acts on the default profile.
func TestCommandsInHintsAreQuotedAndNameTheirProfile(t *testing.T) {
	unquoted := regexp.MustCompile(`(run |with |use )forcemfa (login|enroll|import|configure|rotate|exec|export|console) ([-%]|$)`)
	nameless := regexp.MustCompile(`(run|first:) "forcemfa (login|enroll|import|configure|rotate)"([^,]|$)`)
	for _, dir := range []string{".", "../../session", "../../accesskey", "../../doctor", "../../profiles", "../../secret"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(paths), err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err == nil && !strings.Contains(text, "\n") && (unquoted.MatchString(text) || nameless.MatchString(text)) {
					t.Errorf("%s: %s", files.Position(literal.Pos()), text)
				}
				return true
			})
		}
	}
}
