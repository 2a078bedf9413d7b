// Package webpage writes the web pages of the embedded AWS. They have one style, no
// script, and a content security policy that allows nothing from another origin.
package webpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

//go:embed page.css
var style string

//go:embed page.html
var shell string

// A Page is a template in the common frame.
type Page struct{ parsed func() *template.Template }

// New returns a page. content defines the template "content", and may define others. It
// is parsed on first use, and panics there if it is malformed.
func New(content string) *Page {
	return &Page{sync.OnceValue(func() *template.Template {
		t := template.New("page").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }})
		return template.Must(template.Must(t.Parse(shell)).Parse(content))
	})}
}

// A View is what a page shows.
type View struct {
	Title string
	// Targets are the origins to which the answer of a form may redirect, in addition to
	// the page's own.
	Targets []string
	Data    any
}

// Write writes a page. The browser does not keep it.
func (p *Page) Write(w http.ResponseWriter, status int, v View) {
	var out bytes.Buffer
	if err := p.parsed().ExecuteTemplate(&out, "page", v); err != nil {
		panic(err) // a mistake in a template
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy(v.Targets))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client may have gone
}

// Fragment returns one of the page's templates as HTML.
func (p *Page) Fragment(name string, data any) template.HTML {
	var out bytes.Buffer
	if err := p.parsed().ExecuteTemplate(&out, name, data); err != nil {
		panic(err) // a mistake in a template
	}
	return template.HTML(out.String())
}

var styleHash = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
})

func policy(targets []string) string {
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; img-src data:; form-action %s; base-uri 'none'; frame-ancestors 'none'",
		styleHash(), strings.Join(append([]string{"'self'"}, targets...), " "))
}

// Protect refuses requests that a page of another origin made the browser send, and
// requests for another host name than this machine's: a name of somebody else that
// resolves to a loopback address gives that page no access.
func Protect(next http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Loopback(r.Host) {
			http.Error(w, "this page is served for this machine only: open it at its loopback address", http.StatusForbidden)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// Loopback reports whether a host, with or without port, is this machine.
func Loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
