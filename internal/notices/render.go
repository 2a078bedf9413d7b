package notices

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"strconv"
	"strings"
	"text/template"
	"time"

	"forcemfa/internal/view"
)

//go:embed templates/*.md
var builtIn embed.FS

// Kinds are the kinds of notices. Each has a template of its name, as person.md.
func Kinds() []string { return []string{ForPerson, ForOwner, ForAccount} }

// BuiltIn is the built-in template of a kind.
func BuiltIn(kind string) string {
	text, err := builtIn.ReadFile("templates/" + kind + ".md")
	if err != nil {
		panic("notices: " + err.Error())
	}
	return string(text)
}

// The formats of notices.
const (
	Markdown = "markdown"
	Text     = "text"
	Mail     = "mail" // a message file with headers, for mail programs
)

// Endings are the endings of files by format.
var Endings = map[string]string{Markdown: ".md", Text: ".txt", Mail: ".eml"}

// Templates are the templates of all kinds, for one format.
type Templates struct {
	format string
	parsed map[string]*template.Template
}

// ParseTemplates parses templates by kind; a kind without a text gets the built-in one.
// The error names the kind and the line.
func ParseTemplates(format string, texts map[string]string) (*Templates, error) {
	t := &Templates{format: format, parsed: map[string]*template.Template{}}
	escape := func(s string) string { return s }
	if format == Markdown {
		escape = escapeMarkdown
	}
	for _, kind := range Kinds() {
		text, given := texts[kind]
		if !given {
			text = BuiltIn(kind)
		}
		parsed, err := template.New(kind + ".md").Option("missingkey=error").
			Funcs(template.FuncMap{"esc": escape, "inc": func(i int) int { return i + 1 }}).Parse(text)
		if err != nil {
			return nil, err
		}
		t.parsed[kind] = parsed
	}
	return t, nil
}

// A page is what a template has: {{.To.Name}}, {{.Help}}, {{.Users}}…
type page struct {
	*Notice
	User  *Subject // of a person
	Users []Subject
}

// Body is the text of a notice, without headers.
func (t *Templates) Body(n *Notice) (string, error) {
	p := page{Notice: n, User: &Subject{}, Users: n.Subjects}
	if len(n.Subjects) > 0 {
		p.User = &n.Subjects[0]
	}
	var b bytes.Buffer
	if err := t.parsed[n.Kind].Execute(&limited{to: &b, left: mostNotice}, p); err != nil {
		return "", err
	}
	text := b.String()
	if t.format != Markdown {
		text = plain(text)
	}
	return text, nil
}

// mostNotice is the maximum size of a notice in bytes.
const mostNotice = 4 << 20

// A limited writer refuses a text that is too long, as a template in a loop makes it.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("the notice is longer than %d bytes", mostNotice)
	}
	return l.to.Write(p)
}

// Render is the file of a notice.
func (t *Templates) Render(n *Notice, from string, at time.Time) ([]byte, error) {
	body, err := t.Body(n)
	if err != nil || t.format != Mail {
		return []byte(body), err
	}
	var b strings.Builder
	if from != "" {
		fmt.Fprintf(&b, "From: %s\r\n", clean(from))
	}
	if n.To.Address != "" {
		fmt.Fprintf(&b, "To: %s\r\n", &mail.Address{Name: n.To.Name, Address: n.To.Address})
	}
	fmt.Fprintf(&b, "Subject: %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nX-Unsent: 1\r\n", mime.QEncoding.Encode("utf-8", n.Subject), at.UTC().Format(time.RFC1123Z))
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	const line = 76
	for text := base64.StdEncoding.EncodeToString([]byte(body)); text != ""; {
		n := min(line, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return []byte(b.String()), nil
}

// plain removes the marks of headings and code from Markdown.
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimLeft(line, "#"), "`", "")
		if lines[i] != line {
			lines[i] = strings.TrimLeft(lines[i], " ")
		}
	}
	return strings.Join(lines, "\n")
}

// escapeMarkdown escapes a text so that it makes no links, images or markup. Commands in
// backquotes stay as they are. Backquotes that are not in pairs, or are next to each
// other, enclose no command: they would make a longer mark that closes none.
func escapeMarkdown(s string) string {
	parts := strings.Split(s, "`")
	commands := len(parts)%2 == 1 && !strings.Contains(s, "``")
	for i := range parts {
		if i%2 == 0 || !commands {
			parts[i] = markdownMarks.Replace(parts[i])
		}
	}
	if !commands {
		return strings.Join(parts, "\\`")
	}
	return strings.Join(parts, "`")
}

var markdownMarks = strings.NewReplacer(
	`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "|", `\|`, "!", `\!`,
)

// Merge writes a table for mail merge: a row for each user of the notices to persons and
// owners.
func Merge(w io.Writer, all []Notice) error {
	c := view.NewCSV(w, "kind", "address", "name", "account", "account_name", "user", "wave", "from", "service", "device", "stops", "steps", "blocked", "file")
	for i := range all {
		n := &all[i]
		if n.Kind == ForAccount {
			continue
		}
		for _, s := range n.Subjects {
			c.Row(n.Kind, n.To.Address, n.To.Name, s.Account, s.AccountName, s.User, s.Wave, s.From, strconv.FormatBool(s.Service), strconv.FormatBool(s.Device),
				strings.Join(s.Stops, "; "), strings.Join(s.Steps, " "), s.Blocked, n.File)
		}
	}
	return c.Flush()
}

// reminders are how many days before the first day a reminder is due.
var reminders = []int{14, 7, 1}

// Reminders writes when to remind whom: a row for each notice with a first day and each
// reminder that is not past.
func Reminders(w io.Writer, all []Notice, now time.Time) error {
	c := view.NewCSV(w, "on", "days_before", "first_day", "wave", "kind", "address", "name", "file")
	today := now.UTC().Format(time.DateOnly)
	for i := range all {
		n := &all[i]
		first, err := time.Parse(time.DateOnly, n.First())
		if err != nil {
			continue // not decided
		}
		wave := ""
		for _, s := range n.Subjects {
			if s.From == n.First() {
				wave = s.Wave
			}
		}
		for _, days := range reminders {
			if on := first.AddDate(0, 0, -days).Format(time.DateOnly); on >= today {
				c.Row(on, strconv.Itoa(days), n.First(), wave, n.Kind, n.To.Address, n.To.Name, n.File)
			}
		}
	}
	return c.Flush()
}
