package notify

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"forcemfa/internal/audit"
	"forcemfa/internal/view"
)

func FuzzEscapedTextStaysWithinItsLimitAndReadsBack(f *testing.F) {
	f.Add("a & b <!channel>", 3000)
	f.Add(strings.Repeat("<", 900), 150)
	f.Add("\xff\u202eevil\n\t`x`", 150)
	f.Add(strings.Repeat("𝔐", 200), 151)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 64 || most > 5000 {
			t.Skip("not a limit in use")
		}
		got := escapeWithin(text, most)
		if size(got) > most {
			t.Errorf("%d characters, of %d: %q", size(got), most, got)
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, "<>\n\r\x00") {
			t.Errorf("%q", got)
		}
		clean := view.Clean(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
		back := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(got)
		kept, count, cut := strings.Cut(back, " … and ")
		if !strings.Contains(clean, " … and ") {
			switch {
			case !cut && back != clean:
				t.Errorf("%q reads back as %q", clean, back)
			case cut && (!strings.HasPrefix(clean, kept) || !strings.HasSuffix(count, " more characters")):
				t.Errorf("%q was cut to %q", clean, back)
			}
		}
	})
}

func FuzzEventsAreParsedOrRejected(f *testing.F) {
	f.Add(`{"source":"forcemfa","detail-type":"forcemfa message","account":"111111111111","detail":{"id":"a/b/c","kind":"finding","account":"222222222222"}}`)
	f.Add(`{"requestPayload":{"source":"forcemfa","detail-type":"forcemfa message","detail":{"id":"a","kind":"unread","account":"222222222222"}}}`)
	f.Add(`{"requestPayload":null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseEvent([]byte(text))
		if err != nil {
			return
		}
		if m.ID == "" || m.Kind == "" || len(m.Account) != 12 {
			t.Errorf("took %+v", m)
		}
		d := &Summary{Messages: []Message{m}}
		if _, blocks := slackMessage(d); len(blocks) == 0 || len(snsText(d)) > mostSNS || subject(d.headline()) == "" {
			t.Errorf("cannot format %+v", m)
		}
	})
}

func TestSubjectsAreValidForSNS(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"MFA enforced for bob", "MFA enforced for bob"},
		{"MFA enforced for böb\nBcc: all", "MFA enforced for b?b Bcc: all"},
		{strings.Repeat("x", 120), strings.Repeat("x", 96) + "..."},
		{" ", "forcemfa"},
		{"", "forcemfa"},
	} {
		if got := subject(row.line); got != row.want {
			t.Errorf("%q: %q, want %q", row.line, got, row.want)
		}
	}
}

// A kind of message has a title, a test message, and a row with its color in
// docs/notify.md.
func TestEveryKindIsDocumentedAndHasATestMessage(t *testing.T) {
	page, err := os.ReadFile("../../docs/notify.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\tKind\w+\s+(?:Kind )?= "(\w+)"`)
	source, err := os.ReadFile("message.go")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(declared.FindAllSubmatch(source, -1)); got != len(Kinds()) {
		t.Errorf("%d kinds are declared, Kinds returns %d", got, len(Kinds()))
	}
	for _, k := range Kinds() {
		if titles[k] == "" {
			t.Errorf("%s has no title", k)
		}
		if testMessages[k].What == "" {
			t.Errorf("%s has no test message", k)
		}
		color := (&Message{ID: "rule/account/subject", Kind: k, Severity: audit.Medium}).color()
		if k == KindFinding {
			color = "by severity"
		}
		if row := fmt.Sprintf("| `%s` | %s |", k, color); !strings.Contains(string(page), row) {
			t.Errorf("docs/notify.md has no row %q", row)
		}
	}
}
