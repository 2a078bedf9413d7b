package session_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/session"
)

func TestCommandsAreSplitAsAShellDoes(t *testing.T) {
	for _, row := range []struct {
		text string
		want []string
	}{
		{"forcemfa-credential-process --profile bob", []string{"forcemfa-credential-process", "--profile", "bob"}},
		{`"/opt/my tools/x" 'a b' c\ d ""`, []string{"/opt/my tools/x", "a b", "c d", ""}},
		{`"a\"b\\c\d"`, []string{`a"b\c\d`}},
		{`'a\b'`, []string{`a\b`}},
		{" \t ", nil},
		{`a"b c"d`, []string{"ab cd"}},
	} {
		got, err := session.SplitCommand(row.text)
		if diff := cmp.Diff(row.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", row.text, err, diff)
		}
	}
	for _, text := range []string{`"a`, `'a`, `a\`} {
		if got, err := session.SplitCommand(text); err == nil {
			t.Errorf("%s was read as %q", text, got)
		}
	}
}

func FuzzSplitCommand(f *testing.F) {
	f.Add(`"/opt/my tools/x" 'a b' c\ d`)
	f.Fuzz(func(t *testing.T, text string) {
		words, err := session.SplitCommand(text)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := session.SplitCommand(strings.Join(quoted, " "))
		if err != nil || !cmp.Equal(words, again) {
			t.Errorf("%q is %q, and quoted again %q, %v", text, words, again, err)
		}
	})
}
