package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
)

// source is the root of the tree.
const source = "../../.."

// The configuration of goreleaser, as far as this project uses it: a field with any other
// name is an error, as it is to goreleaser.
// Source: goreleaser v2.15.1, pkg/config.
type (
	goreleaser struct {
		Version     int
		ProjectName string `yaml:"project_name"`
		Env         []string
		Snapshot    struct {
			VersionTemplate string `yaml:"version_template"`
		}
		Metadata struct {
			ModTimestamp string `yaml:"mod_timestamp"`
		}
		Builds        []build
		Archives      []archive
		NFPMs         []nfpm `yaml:"nfpms"`
		SBOMs         []sbom `yaml:"sboms"`
		Checksum      checksum
		Signs         []sign
		HomebrewCasks []cask `yaml:"homebrew_casks"`
		Scoops        []scoop
		Release       struct{ GitHub repository }
		Changelog     struct{ Disable bool }
	}
	build struct {
		ID, Main, Binary string
		GOOS             []string `yaml:"goos"`
		GOARCH           []string `yaml:"goarch"`
		Flags, LDFlags   []string
		ModTimestamp     string `yaml:"mod_timestamp"`
	}
	fileInfo struct {
		Owner, Group, MTime string
		Mode                uint32
	}
	archive struct {
		ID              string
		IDs             []string `yaml:"ids"`
		NameTemplate    string   `yaml:"name_template"`
		Formats         []string
		FormatOverrides []struct {
			GOOS    string `yaml:"goos"`
			Formats []string
		} `yaml:"format_overrides"`
		BuildsInfo fileInfo `yaml:"builds_info"`
		Files      []struct {
			Src, Dst    string
			StripParent bool `yaml:"strip_parent"`
			Info        fileInfo
		}
	}
	nfpm struct {
		ID                                                                 string
		IDs                                                                []string `yaml:"ids"`
		PackageName                                                        string   `yaml:"package_name"`
		Formats                                                            []string
		Vendor, Maintainer, Homepage, License, Section, Description, MTime string
		BinDir                                                             string `yaml:"bindir"`
		Contents                                                           []struct {
			Src, Dst string
			FileInfo fileInfo `yaml:"file_info"`
		}
	}
	sbom struct {
		ID, Artifacts, Cmd string
		Args, Documents    []string
	}
	checksum struct {
		NameTemplate string   `yaml:"name_template"`
		IDs          []string `yaml:"ids"`
	}
	sign struct {
		Artifacts, Cmd, Signature string
		Args                      []string
	}
	repository struct{ Owner, Name string }
	cask       struct {
		Name, Homepage, Description, License string
		IDs                                  []string `yaml:"ids"`
		Binaries, Manpages                   []string
		Completions                          struct{ Bash, Zsh, Fish string }
		URL                                  struct{ Template string }
		Repository                           repository
	}
	scoop struct {
		Name, Homepage, Description, License string
		IDs                                  []string `yaml:"ids"`
		URLTemplate                          string   `yaml:"url_template"`
		Repository                           repository
	}
)

func configuration(t *testing.T) (c goreleaser, text string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(source, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(raw, &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return c, string(raw)
}

func TestAFieldThatGoreleaserLacksIsFound(t *testing.T) {
	_, text := configuration(t)
	for _, change := range [][2]string{{"name_template: checksums.txt", "template: checksums.txt"}, {"strip_parent: true", "strip_parents: true"}, {"goarch: [amd64, arm64]", "goarchs: [amd64, arm64]"}} {
		broken := strings.Replace(text, change[0], change[1], 1)
		if broken == text {
			t.Fatalf("the configuration has no %q", change[0])
		}
		if err := yaml.UnmarshalWithOptions([]byte(broken), new(goreleaser), yaml.Strict()); err == nil {
			t.Errorf("%s is accepted", change[1])
		}
	}
}

func TestTheReleaseHasEveryProgramOnEveryPlatform(t *testing.T) {
	c, _ := configuration(t)
	built, packed := map[string]build{}, map[string]bool{}
	for _, b := range c.Builds {
		built[path.Base(b.Main)] = b
		if !slices.Equal(b.GOARCH, []string{"amd64", "arm64"}) || !slices.Contains(b.Flags, "-trimpath") || len(b.LDFlags) != 1 || !strings.HasPrefix(b.LDFlags[0], "-s -w ") || b.ModTimestamp == "" {
			t.Errorf("build %s: %+v", b.ID, b)
		}
	}
	for _, a := range c.Archives {
		for _, id := range a.IDs {
			packed[id] = true
		}
	}
	programs, err := filepath.Glob(filepath.Join(source, "cmd", "*"))
	if err != nil || len(programs) == 0 || len(programs) != len(built) {
		t.Errorf("%d builds of %d programs: %v", len(built), len(programs), err)
	}
	for _, dir := range programs {
		name := filepath.Base(dir)
		b, ok := built[name]
		systems := []string{"linux", "darwin", "windows"}
		if name == "forcemfa-lambda" {
			systems = systems[:1]
		}
		if !ok || !packed[b.ID] || !slices.Equal(b.GOOS, systems) {
			t.Errorf("%s: built %v, packed %v, for %v", name, ok, packed[b.ID], b.GOOS)
		}
	}
	if c.Version != 2 {
		t.Errorf("version %d", c.Version)
	}
}

// Every ID names a build or an artifact.
func TestEveryIDOfTheReleaseExists(t *testing.T) {
	c, _ := configuration(t)
	var builds, artifacts []string
	for _, b := range c.Builds {
		builds = append(builds, b.ID)
	}
	for _, a := range c.Archives {
		artifacts = append(artifacts, a.ID)
	}
	for _, n := range c.NFPMs {
		artifacts = append(artifacts, n.ID)
	}
	for _, s := range c.SBOMs {
		artifacts = append(artifacts, s.ID)
	}
	check := func(what string, ids, known []string) {
		if len(ids) == 0 {
			t.Errorf("%s: no IDs", what)
		}
		for _, id := range ids {
			if !slices.Contains(known, id) {
				t.Errorf("%s names %s, which does not exist: there is %v", what, id, known)
			}
		}
	}
	for _, a := range c.Archives {
		check("archive "+a.ID, a.IDs, builds)
	}
	for _, n := range c.NFPMs {
		check("package "+n.ID, n.IDs, builds)
		if !slices.Equal(n.Formats, []string{"deb", "rpm", "apk"}) || n.License != "Apache-2.0" || n.Maintainer == "" || n.Description == "" {
			t.Errorf("package %s: %+v", n.ID, n)
		}
	}
	check("checksum", c.Checksum.IDs, artifacts)
	for _, id := range artifacts {
		if !slices.Contains(c.Checksum.IDs, id) {
			t.Errorf("%s has no checksum", id)
		}
	}
	for _, k := range c.HomebrewCasks {
		check("cask", k.IDs, artifacts)
	}
	for _, s := range c.Scoops {
		check("scoop", s.IDs, artifacts)
	}
	if len(c.Signs) != 1 || c.Signs[0].Artifacts != "checksum" {
		t.Errorf("signatures %+v", c.Signs)
	}
}

// Every file that archives and packages name is in the tree or is generated, and every
// generated man page and completion is in the archive.
func TestEveryFileOfTheReleaseExists(t *testing.T) {
	c, _ := configuration(t)
	tree := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	if err := write(cli.Root(command.ProcessEnv()), filepath.Join(tree, "generated")); err != nil {
		t.Fatal(err)
	}
	find := func(pattern string) []string {
		t.Helper()
		root := source
		if strings.HasPrefix(pattern, "generated/") {
			root = tree
		}
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			t.Errorf("no file %s: %v", pattern, err)
		}
		var names []string
		for _, name := range found {
			rel, _ := filepath.Rel(root, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return names
	}
	packed := map[string]string{} // file by its place in the archive
	for _, a := range c.Archives {
		for _, f := range a.Files {
			for _, name := range find(f.Src) {
				at := name
				if f.StripParent {
					at = path.Join(f.Dst, path.Base(name))
				}
				if a.ID == "forcemfa" {
					packed[at] = name
				}
			}
		}
	}
	installed := map[string]string{}
	for _, n := range c.NFPMs {
		for _, f := range n.Contents {
			for _, name := range find(f.Src) {
				at := f.Dst
				if strings.HasSuffix(at, "/") {
					at += path.Base(name)
				}
				if other, taken := installed[at]; taken || !path.IsAbs(at) || f.FileInfo.Mode != 0o644 {
					t.Errorf("%s is installed as %s, with %s there, mode %o", name, at, other, f.FileInfo.Mode)
				}
				installed[at] = name
			}
		}
	}
	for _, name := range find("generated/*/*") {
		if packed[strings.TrimPrefix(name, "generated/")] != name {
			t.Errorf("the archive does not have %s", name)
		}
		if page := "/usr/share/man/man1/" + path.Base(name); strings.HasSuffix(name, ".1") && installed[page] != name {
			t.Errorf("the packages do not have %s", page)
		}
	}
	for _, k := range c.HomebrewCasks {
		for _, name := range append([]string{k.Completions.Bash, k.Completions.Zsh, k.Completions.Fish}, k.Manpages...) {
			if packed[name] == "" {
				t.Errorf("the cask names %q, which the archive does not have", name)
			}
		}
	}
	for at, name := range map[string]string{
		"/usr/share/doc/forcemfa/copyright": "LICENSE", "/usr/share/bash-completion/completions/forcemfa": "generated/completions/forcemfa.bash",
		"/usr/share/zsh/vendor-completions/_forcemfa": "generated/completions/_forcemfa", "/usr/share/fish/vendor_completions.d/forcemfa.fish": "generated/completions/forcemfa.fish",
	} {
		if installed[at] != name {
			t.Errorf("%s is %q, want %s", at, installed[at], name)
		}
	}
}

// Every text with a template parses, and names only values that goreleaser has.
// Source: goreleaser documentation, "Name templates".
func TestTheTemplatesOfTheReleaseParse(t *testing.T) {
	_, text := configuration(t)
	var whole any
	if err := yaml.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"Env": map[string]string{"STAMP": "s", "SIGN_KEY": "k", "MODULE": "m"}, "Version": "1.2.3", "Tag": "v1.2.3", "FullCommit": "c", "ShortCommit": "c",
		"CommitDate": "2026-11-29T00:00:00Z", "CommitTimestamp": "0", "ProjectName": "forcemfa", "Os": "linux", "Arch": "amd64", "Binary": "forcemfa", "ArtifactName": "a",
	}
	functions := template.FuncMap{"incpatch": func(v string) string { return v }, "isEnvSet": func(string) bool { return true }}
	n := 0
	var visit func(any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				visit(e)
			}
		case []any:
			for _, e := range v {
				visit(e)
			}
		case string:
			if !strings.Contains(v, "{{") {
				return
			}
			n++
			parsed, err := template.New("").Funcs(functions).Option("missingkey=error").Parse(v)
			if err == nil {
				err = parsed.Execute(&strings.Builder{}, values)
			}
			if err != nil {
				t.Errorf("%s: %v", v, err)
			}
		}
	}
	visit(whole)
	if n < 10 {
		t.Errorf("only %d templates were found", n)
	}
}
