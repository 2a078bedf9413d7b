package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// A page is a file in Markdown.
type page struct {
	name   string // of the file, from the root, with slashes
	title  string
	html   []byte
	ids    []string // of headings
	links  []target
	source []byte
	tree   ast.Node
}

// A target is what a link leads to.
type target struct {
	file   string // from the root
	anchor string // empty: the whole file
}

// A site is a set of pages and of files that they link to.
type site struct {
	root  string
	pages map[string]*page
	files map[string]bool // to copy
	order []string        // of the pages, as the links to them come
}

// markdown reads tables as GitHub does. Raw HTML is left out: the pages have only
// comments.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// read reads a page and the pages that it links to.
func (s *site) read(name string) error {
	if s.pages[name] != nil {
		return nil
	}
	source, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	p := &page{name: name, title: path.Base(name), source: source}
	s.pages[name], s.order = p, append(s.order, name)
	p.tree = markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&headings{page: p}))))
	if err := s.follow(p); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var html bytes.Buffer
	if err := markdown.Renderer().Render(&html, source, p.tree); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.html = html.Bytes()
	return nil
}

// follow finds the title and the links of a page, reads what they lead to, and rewrites them
// for the site.
func (s *site) follow(p *page) error {
	var wrong []error
	var folders []ast.Node
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var err error
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 {
				p.title = plain(n, p.source)
			}
		case *ast.Link:
			var folder bool
			n.Destination, folder, err = s.resolve(p, string(n.Destination))
			if folder {
				folders = append(folders, n)
			}
		case *ast.Image:
			if strings.Contains(string(n.Destination), "://") {
				err = fmt.Errorf("the picture %s is on another server", n.Destination)
			} else {
				n.Destination, _, err = s.resolve(p, string(n.Destination))
			}
		}
		wrong = append(wrong, err)
		return ast.WalkContinue, nil
	})
	for _, n := range folders { // the site has no listings: the text stays
		for n.HasChildren() {
			n.Parent().InsertBefore(n.Parent(), n, n.FirstChild())
		}
		n.Parent().RemoveChild(n.Parent(), n)
	}
	return errors.Join(wrong...)
}

// resolve reads what a link leads to, and returns the link for the site. folder is true for
// a folder of the tree.
func (s *site) resolve(p *page, link string) (out []byte, folder bool, err error) {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return []byte(link), false, nil
	}
	file, anchor, _ := strings.Cut(link, "#")
	if file, err = url.PathUnescape(file); err != nil {
		return nil, false, err
	}
	name := p.name
	if file != "" {
		name = path.Join(path.Dir(p.name), file)
	}
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(name)))
	switch {
	case err != nil || strings.HasPrefix(name, "../"):
		return nil, false, fmt.Errorf("the link %s leads nowhere", link)
	case info.IsDir():
		return []byte(link), true, nil
	case path.Ext(name) == ".md":
		if err := s.read(name); err != nil {
			return nil, false, err
		}
	default:
		s.files[name] = true
	}
	p.links = append(p.links, target{name, anchor})
	out = []byte(relative(p.name, place(name)))
	if anchor != "" {
		out = append(append(out, '#'), anchor...)
	}
	return out, false, nil
}

// place is where a file of the tree is in the site.
func place(name string) string {
	switch {
	case name == "README.md":
		return "index.html"
	case path.Ext(name) == ".md":
		return strings.TrimSuffix(name, ".md") + ".html"
	}
	return name
}

// relative is a place of the site as seen from a page.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}

// checkLinks finds links to headings that do not exist.
func (s *site) checkLinks() error {
	var wrong []error
	for _, name := range s.order {
		for _, l := range s.pages[name].links {
			if to := s.pages[l.file]; l.anchor != "" && (to == nil || !slices.Contains(to.ids, l.anchor)) {
				wrong = append(wrong, fmt.Errorf("%s: the link %s#%s leads to no heading", name, l.file, l.anchor))
			}
		}
	}
	return errors.Join(wrong...)
}

// checkReached finds pages of docs that no link leads to.
func (s *site) checkReached() error {
	all, err := filepath.Glob(filepath.Join(s.root, "docs", "*.md"))
	for _, file := range all {
		if name := "docs/" + filepath.Base(file); s.pages[name] == nil {
			err = errors.Join(err, fmt.Errorf("%s: no link leads to the page", name))
		}
	}
	return err
}

// plain is the text of a node without its markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// headings gives headings the IDs that GitHub gives them, so that links work on both: lower
// case, punctuation left out, hyphens for spaces.
type headings struct{ page *page }

var punctuation = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// Generate implements parser.IDs.
func (h *headings) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.ReplaceAll(punctuation.ReplaceAllString(strings.ToLower(strings.TrimSpace(string(value))), ""), " ", "-")
	unique := id
	for n := 1; slices.Contains(h.page.ids, unique); n++ {
		unique = fmt.Sprintf("%s-%d", id, n)
	}
	h.Put([]byte(unique))
	return []byte(unique)
}

// Put implements parser.IDs.
func (h *headings) Put(id []byte) { h.page.ids = append(h.page.ids, string(id)) }
