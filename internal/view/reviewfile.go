package view

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// reviewTitle is the title of every review.
const reviewTitle = "Plan to require MFA"

// Markdown writes the review as Markdown. Names and texts that others wrote are escaped,
// so they cannot add markup.
func (r *Review) Markdown(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n", reviewTitle)
	for _, s := range r.sections() {
		s.markdown(&out, "##")
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (s *reviewSection) markdown(w io.Writer, level string) {
	fmt.Fprintf(w, "\n%s %s\n", level, Markdown(s.Title))
	for _, text := range s.Text {
		fmt.Fprintf(w, "\n%s\n", Markdown(text))
	}
	if len(s.Rows) > 0 {
		fmt.Fprintln(w)
		MarkdownTable(w, s.Header, s.Rows)
	}
	s.codeMarkdown(w)
	for i := range s.Sub {
		s.Sub[i].markdown(w, level+"#")
	}
}

// MarkdownTable writes rows under a header. The cells are escaped, the header is not.
func MarkdownTable(w io.Writer, header []string, rows [][]string) {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = Markdown(cell)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}

// codeMarkdown writes a fenced block. The fence is longer than any backticks in it.
func (s *reviewSection) codeMarkdown(w io.Writer) {
	if len(s.Code) == 0 {
		return
	}
	fence := "```"
	for _, line := range s.Code {
		for strings.Contains(line.Text, fence) {
			fence += "`"
		}
	}
	language := "sh" // commands
	if slices.ContainsFunc(s.Code, func(line DifferenceLine) bool { return line.Mark != ' ' }) {
		language = "diff"
	}
	fmt.Fprintf(w, "\n%s%s\n", fence, language)
	for _, line := range s.Code {
		if language == "diff" {
			fmt.Fprintf(w, "%c ", line.Mark)
		}
		fmt.Fprintln(w, Clean(line.Text))
	}
	fmt.Fprintln(w, fence)
}

var markdownEscaper = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "&", `\&`, "~", `\~`, "#", `\#`)

// Markdown is a line of text, written so that Markdown shows it as it is. A sign in front would
// begin a list.
func Markdown(s string) string {
	s = markdownEscaper.Replace(Clean(s))
	if strings.HasPrefix(s, "+ ") || strings.HasPrefix(s, "- ") {
		s = `\` + s
	}
	return s
}

// HTML writes the review as one HTML page that loads nothing.
func (r *Review) HTML(w io.Writer) error {
	var out bytes.Buffer
	err := reviewPage.Execute(&out, struct {
		Title    string
		Sections []reviewSection
	}{reviewTitle, r.sections()})
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

var reviewPage = template.Must(template.New("review").Funcs(template.FuncMap{
	"clean": Clean,
	"kind": func(l DifferenceLine) string {
		return map[byte]string{'+': "added", '-': "removed", '~': "changed"}[l.Mark]
	},
	"mark": func(l DifferenceLine) string { return string(l.Mark) },
}).Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .25em .6em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
pre { border: 1px solid #8888; padding: .6em; white-space: pre-wrap; overflow-wrap: anywhere; }
.added { color: light-dark(#116329, #7ee787); }
.removed { color: light-dark(#a40e26, #ff9a94); }
.changed { color: light-dark(#7d4e00, #e3b341); }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Sections}}<h2>{{clean .Title}}</h2>
{{template "body" .}}{{range .Sub}}<h3>{{clean .Title}}</h3>
{{template "body" .}}{{end}}{{end}}</body>
</html>
{{define "body"}}{{range .Text}}<p>{{clean .}}</p>
{{end}}{{if .Rows}}<table>
<thead><tr>{{range .Header}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr>{{range .}}<td>{{clean .}}</td>{{end}}</tr>
{{end}}</tbody>
</table>
{{end}}{{if .Code}}<pre>{{range .Code}}<span class="{{kind .}}">{{mark .}} {{clean .Text}}</span>
{{end}}</pre>
{{end}}{{end}}`))
