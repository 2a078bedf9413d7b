package main

import (
	_ "embed"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed style.css
var style []byte

//go:embed page.html
var layout string

var pageTemplate = template.Must(template.New("page").Parse(layout))

// An entry is a line of the navigation.
type entry struct {
	Title, Link string
	Current     bool
}

// write writes the pages, the files and the style.
func (s *site) write(out string) error {
	for _, p := range s.pages {
		if err := s.writePage(out, p); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if err := s.copy(out, name); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(out, "style.css"), style, 0o644)
}

func (s *site) writePage(out string, p *page) error {
	file := filepath.Join(out, filepath.FromSlash(place(p.name)))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	err := pageTemplate.Execute(&b, map[string]any{
		"Title": p.title, "Style": relative(p.name, "style.css"), "Home": relative(p.name, "index.html"),
		"Guides": s.navigation(p, "docs/"), "More": s.navigation(p, ""), "Body": template.HTML(p.html), //nolint:gosec // made from the pages of the tree
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// navigation is a line for each page of a folder, in the order of the table at the end of
// README.md; for an empty folder, for the other pages.
func (s *site) navigation(current *page, folder string) []entry {
	var all []entry
	links := s.pages["README.md"].links
	for i, l := range links {
		p := s.pages[l.file]
		if slices.ContainsFunc(links[i+1:], func(later target) bool { return later.file == l.file }) {
			continue
		}
		if p == nil || p.name == "README.md" || (filepath.ToSlash(filepath.Dir(p.name))+"/" == folder) != (folder != "") {
			continue
		}
		all = append(all, entry{Title: p.title, Link: relative(current.name, place(p.name)), Current: p == current})
	}
	return all
}

func (s *site) copy(out, name string) error {
	from, err := os.Open(filepath.Join(s.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer from.Close()
	file := filepath.Join(out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return err
	}
	return to.Close()
}
