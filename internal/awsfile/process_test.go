package awsfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/awsfile"
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
		got, err := awsfile.SplitCommand(row.text)
		if diff := cmp.Diff(row.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", row.text, err, diff)
		}
	}
	for _, text := range []string{`"a`, `'a`, `a\`} {
		if got, err := awsfile.SplitCommand(text); err == nil {
			t.Errorf("%s was read as %q", text, got)
		}
	}
}

func FuzzSplitCommand(f *testing.F) {
	f.Add(`"/opt/my tools/x" 'a b' c\ d`)
	f.Fuzz(func(t *testing.T, text string) {
		words, err := awsfile.SplitCommand(text)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := awsfile.SplitCommand(strings.Join(quoted, " "))
		if err != nil || !cmp.Equal(words, again) {
			t.Errorf("%q is %q, and quoted again %q, %v", text, words, again, err)
		}
	})
}

func TestTheProfileOfAHelper(t *testing.T) {
	for _, row := range []struct {
		command, profile string
		ok               bool
	}{
		{"forcemfa-credential-process --profile bob", "bob", true},
		{"/opt/bin/forcemfa-credential-process --profile=bob", "bob", true},
		{`"C:\Program Files\forcemfa-credential-process.exe" --profile bob`, "bob", true},
		{`C:\bin\forcemfa-credential-process.exe --profile bob`, "bob", true},
		{"forcemfa-credential-process", "", true},
		{"forcemfa credential-process bob", "bob", true},
		{"forcemfa credential-process --profile 'two words'", "two words", true},
		{"forcemfa -q credential-process bob", "bob", true},
		{"forcemfa export bob", "", false},
		{"/usr/bin/forcemfa-other x", "", false},
		{"aws-vault export bob", "", false},
		{"'", "", false},
		{"", "", false},
	} {
		if profile, ok := awsfile.HelperProfile(row.command); profile != row.profile || ok != row.ok {
			t.Errorf("%s: profile %q, %v", row.command, profile, ok)
		}
	}
}
