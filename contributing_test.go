package forcemfa_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/notify"
)

// The tests of this file fail when a place of CONTRIBUTING.md is forgotten.

// A verb has an example and its exit statuses in its help, and stands in the
// documentation. Parents such as "access" have no run of their own.
func TestEveryVerbIsExplained(t *testing.T) {
	withoutStatus := []string{"access", "deploy", "notify", "emulate", "version"} // parents; a server; nothing that can fail
	documentation := ""
	for _, page := range markdown(t) {
		documentation += readFile(t, page)
	}
	for name, page := range helpPages(t, nil) {
		verb := strings.TrimSuffix(strings.TrimPrefix(name, "forcemfa "), " --help")
		if verb == "--help" {
			continue
		}
		if !strings.Contains(page, "\nExamples:\n  ") {
			t.Errorf("%s: no example", name)
		}
		if !strings.Contains(page, "\nEXIT STATUS\n") && !slices.Contains(withoutStatus, verb) {
			t.Errorf("%s: no EXIT STATUS", name)
		}
		if !strings.Contains(documentation, "forcemfa "+verb) && !strings.Contains(documentation, "`"+verb) {
			t.Errorf("%s: neither the README nor docs mentions it", name)
		}
	}
}

var awsCall = regexp.MustCompile(`&(?:iam|organizations)\.(\w+)Input\{`)

// Every call that reads or changes an organization is in the permissions that
// administrators are asked to grant.
func TestEveryCallIsInThePermissions(t *testing.T) {
	pages := readFile(t, "docs/permissions.md") + readFile(t, "docs/lambda.md")
	calls := 0
	for _, name := range slices.Concat(glob(t, "internal/collect/*.go"), glob(t, "internal/fleet/*.go"), glob(t, "internal/apply/*.go"), glob(t, "internal/simulator/*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range awsCall.FindAllStringSubmatch(readFile(t, name), -1) {
			calls++
			if !regexp.MustCompile(`[:\x60]` + m[1] + `\x60`).MatchString(pages) {
				t.Errorf("%s calls %s: docs/permissions.md does not list it", name, m[1])
			}
		}
	}
	if calls < 60 {
		t.Errorf("only %d calls were found", calls)
	}
}

// An operation of the embedded AWS is used by at least one test or attack
// scenario.
func TestEveryOperationOfTheEmbeddedAWSIsTested(t *testing.T) {
	_, list, found := strings.Cut(readFile(t, "docs/emulator.md"), "<!-- operations:")
	list, _, ended := strings.Cut(list, "<!-- end of operations -->")
	if !found || !ended {
		t.Fatal("docs/emulator.md has no list of operations")
	}
	used := map[string]bool{}
	call := regexp.MustCompile(`\b(\w+?)(?:Input\b|\(|Paginator\(|")`)
	for _, name := range append(sources(t, "internal", "_test.go"), glob(t, "internal/attack/*.go")...) {
		for _, m := range call.FindAllStringSubmatch(readFile(t, name), -1) {
			used[m[1]] = true
		}
	}
	for _, line := range strings.Split(list, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 2 || cells[0] == "service" {
			continue
		}
		for _, operation := range strings.Split(cells[1], ", ") {
			if !used[operation] {
				t.Errorf("no test uses %s:%s", cells[0], operation)
			}
		}
	}
}

// A channel has a section in the config of docs/notify.md, opens from it, and
// has its variables in the documentation and in the template of the function.
func TestEveryChannelIsDocumentedAndDeployed(t *testing.T) {
	page := readFile(t, "docs/notify.md")
	_, config, _ := strings.Cut(page, "```yaml\n")
	config, _, _ = strings.Cut(config, "```")
	b, err := baseline.Parse("docs/notify.md", []byte("version: 1\n"+config))
	if err != nil {
		t.Fatalf("the config of docs/notify.md: %v", err)
	}
	keys := schemaKeys(t, "notify")
	for _, key := range keys {
		if !strings.Contains(config, "\n  "+key+":") {
			t.Errorf("the config of docs/notify.md has no %s", key)
		}
	}
	options, err := notify.OptionsOf(b.Notify, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	n, err := notify.Open(t.Context(), aws.Config{}, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Channels()) != len(keys) {
		t.Errorf("the keys %v open the channels %v", keys, n.Channels())
	}
	rendered, err := deploy.Render(deploy.Member, b, "aws")
	if err != nil {
		t.Fatal(err)
	}
	template := string(rendered)
	notifier, err := deploy.Render(deploy.Notifier, b, "aws")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range baseline.ChannelSettings() {
		if !strings.Contains(page, "`"+s.Variable+"`") {
			t.Errorf("docs/notify.md does not mention %s", s.Variable)
		}
		if strings.Count(template, s.Variable+":") != 1 || strings.Count(string(notifier), s.Variable+":") != 2 {
			t.Errorf("a function does not get %s", s.Variable)
		}
		if !strings.Contains(template, "\n  "+s.Parameter+":\n") || !strings.Contains(string(notifier), "\n  "+s.Parameter+":\n") {
			t.Errorf("a template has no parameter %s", s.Parameter)
		}
	}
	variable := regexp.MustCompile(`env\["(\w+)"\]`)
	for _, name := range glob(t, "internal/notify/*.go") {
		for _, m := range variable.FindAllStringSubmatch(readFile(t, name), -1) {
			if !strings.Contains(page, "`"+m[1]+"`") {
				t.Errorf("docs/notify.md does not mention %s", m[1])
			}
			if !strings.Contains(template, m[1]+":") {
				t.Errorf("the template of the function does not set %s", m[1])
			}
		}
	}
}

// schemaKeys returns the keys of a section of the config file.
func schemaKeys(t *testing.T, section string) []string {
	t.Helper()
	_, text := run(t, "schema")
	var schema struct {
		Properties map[string]struct {
			Properties map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(schema.Properties[section].Properties))
	if len(keys) == 0 {
		t.Fatalf("the schema has no section %s", section)
	}
	return keys
}

// Every kind of step has a place in the order of steps, an inverse and an
// executor.
func TestEveryKindOfStepIsWhole(t *testing.T) {
	plan, apply := parse(t, "internal/plan"), parse(t, "internal/apply")
	kinds := constants(plan, "Op")
	if len(kinds) < 30 {
		t.Fatalf("only %d kinds of steps were found", len(kinds))
	}
	for _, place := range []struct {
		name  string
		files []*ast.File
	}{{"ops", plan}, {"inverses", plan}, {"executors", apply}} {
		named := mentioned(place.files, place.name)
		if len(named) == 0 {
			t.Errorf("there is no variable %s", place.name)
		}
		for _, kind := range kinds {
			if !named[kind] {
				t.Errorf("%s has no %s", place.name, kind)
			}
		}
	}
}

// parse returns the files of a package, without its tests.
func parse(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	for _, name := range glob(t, dir+"/*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// constants returns the constants that are declared with a type.
func constants(files []*ast.File, typeName string) (names []string) {
	for _, spec := range values(files) {
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typeName {
			for _, name := range spec.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// mentioned returns the identifiers in the value of a package variable.
func mentioned(files []*ast.File, variable string) map[string]bool {
	names := map[string]bool{}
	for _, spec := range values(files) {
		if len(spec.Values) == 0 || spec.Names[0].Name != variable {
			continue
		}
		ast.Inspect(spec.Values[0], func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				names[id.Name] = true
			}
			return true
		})
	}
	return names
}

// values returns the declarations of constants and variables of a package.
func values(files []*ast.File) (specs []*ast.ValueSpec) {
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, s := range g.Specs {
					if v, ok := s.(*ast.ValueSpec); ok {
						specs = append(specs, v)
					}
				}
			}
		}
	}
	return specs
}

// sources returns the Go files below a folder whose name ends so.
func sources(t *testing.T, dir, suffix string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, suffix) {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
