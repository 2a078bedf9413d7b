package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"io"
	"sync"
)

//go:embed page.html
var pageHTML string

//go:embed page-end.html
var endHTML string

//go:embed page.css
var style string

//go:embed page.js
var script string

// The templates are parsed on first use: every verb would pay for them otherwise.
var (
	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) })
	endTemplate  = sync.OnceValue(func() *template.Template { return template.Must(template.New("end").Parse(endHTML)) })
)

// contentPolicy allows the style and the script of the page, by their hashes, and no
// request.
func contentPolicy() string {
	return "default-src 'none'; script-src " + hashOf(script) + "; style-src " + hashOf(style) + "; base-uri 'none'; form-action 'none'"
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page. The records must have been added.
func (p *Page) Write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if err := pageTemplate().Execute(out, p.summary()); err != nil {
		return err
	}
	_, _ = out.WriteString(`<script type="application/json" id="data">`) // Flush returns the error
	if _, err := p.data.WriteTo(out); err != nil {
		return err
	}
	_, _ = out.WriteString("</script>\n")
	if err := endTemplate().Execute(out, struct{ Script template.JS }{template.JS(script)}); err != nil {
		return err
	}
	return out.Flush()
}
