package main

import (
	"html"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// made builds the site of the tree, and returns its files by name.
func made(t *testing.T) map[string]string {
	t.Helper()
	out := t.TempDir()
	if _, err := build("../..", out); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	if err := filepath.WalkDir(out, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(out, name)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryPageOfTheDocumentationIsInTheSite(t *testing.T) {
	files := made(t)
	sources, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(sources) < 30 {
		t.Fatalf("%d pages, %v", len(sources), err)
	}
	for _, source := range sources {
		name := "docs/" + strings.TrimSuffix(filepath.Base(source), ".md") + ".html"
		if !strings.Contains(files[name], "<h1") {
			t.Errorf("the site has no %s", name)
		}
		if !strings.Contains(files["index.html"], `<a href="`+name+`">`) {
			t.Errorf("the navigation has no %s", name)
		}
	}
	if first, last := strings.Index(files["index.html"], `href="docs/guide.html"`), strings.Index(files["index.html"], `href="docs/testing.html"`); first < 0 || first > last {
		t.Errorf("the guide is at %d of the index, and testing at %d", first, last)
	}
	if !strings.Contains(files["docs/scale.html"], "<table>") || !strings.Contains(files["docs/deploy.html"], `aria-current="page"`) {
		t.Error("a page has no table, or is not marked in the navigation")
	}
}

var (
	attribute = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	loaded    = regexp.MustCompile(`<(?:img|script|link|iframe|source)\b[^>]*(?:href|src)="([^"]*)"`)
)

// Every link of the written site leads to a file of it, and to a heading that exists; nothing
// is loaded from another server.
func TestTheSiteWorksWithoutANetwork(t *testing.T) {
	files := made(t)
	links := 0
	for name, text := range files {
		if path.Ext(name) != ".html" {
			continue
		}
		for _, m := range loaded.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "//") {
				t.Errorf("%s loads %s", name, m[1])
			}
		}
		if strings.Contains(text, "<script") {
			t.Errorf("%s has a script", name)
		}
		for _, m := range attribute.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			links++
			to := name
			if u.Path != "" {
				to = path.Join(path.Dir(name), u.Path)
			}
			target, there := files[to]
			if !there || u.Fragment != "" && !strings.Contains(target, ` id="`+html.EscapeString(u.Fragment)+`"`) {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
			}
		}
	}
	if links < 1000 {
		t.Errorf("only %d links were found", links)
	}
}

func TestTheSameSourceGivesTheSameSite(t *testing.T) {
	first, second := made(t), made(t)
	for name, text := range first {
		if second[name] != text {
			t.Errorf("%s differs between two runs", name)
		}
	}
}

// tree writes files and returns their root.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestBrokenLinksAndLostPagesAreErrors(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"the link missing.md leads nowhere":                      {"README.md": "[a](missing.md)"},
		"the link ../secret leads nowhere":                       {"README.md": "[a](../secret)"},
		"README.md: the link docs/a.md#two leads to no heading":  {"README.md": "[a](docs/a.md#two)", "docs/a.md": "# A\n\n## One\n"},
		"docs/lost.md: no link leads to the page":                {"README.md": "[a](docs/a.md)", "docs/a.md": "# A\n", "docs/lost.md": "# Lost\n"},
		"the picture https://example.com/a.png is on another":    {"README.md": "![a](https://example.com/a.png)"},
		"docs/a.md: the link b.md leads nowhere":                 {"README.md": "[a](docs/a.md)", "docs/a.md": "[b](b.md)"},
		"README.md: the link docs/a.md#part leads to no heading": {"README.md": "[a](docs/a.md#part)", "docs/a.md": "```\n# Part\n```\n"},
	} {
		out := t.TempDir()
		if _, err := build(tree(t, files), out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", files, err, want)
		}
		if left, _ := os.ReadDir(out); len(left) > 0 {
			t.Errorf("%v: the site has %d files after an error", files, len(left))
		}
	}
}

func TestLinksToFoldersBecomeText(t *testing.T) {
	out := t.TempDir()
	if _, err := build(tree(t, map[string]string{"README.md": "# T\n\nsee [the *folder*](docs/sub) here\n", "docs/sub/x": ""}), out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil || !strings.Contains(string(text), "see the <em>folder</em> here") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestHeadingsHaveTheIDsOfGitHub(t *testing.T) {
	h := &headings{page: new(page)}
	for _, title := range []string{"What it does, and what it never does", "`deploy central`: one_function", "Cost", "Cost"} {
		h.Generate([]byte(title), 0)
	}
	want := []string{"what-it-does-and-what-it-never-does", "deploy-central-one_function", "cost", "cost-1"}
	if !slices.Equal(h.page.ids, want) {
		t.Errorf("%q, want %q", h.page.ids, want)
	}
}
